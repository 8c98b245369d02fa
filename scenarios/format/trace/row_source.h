// Rows of a trace, one after another, whatever kind of file holds them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

namespace moesim {

// What programs of Windows write before a text in UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class RowSource {
 public:
  virtual ~RowSource() = default;
  // Moves to the next row that can be read; false after the last. Those that cannot are faults.
  virtual bool next() = 0;

  // Of the row that next() moved to: an object, its first line, and whether all values are text.
  const nlohmann::json& values() const { return values_; }
  std::int64_t line() const { return line_; }
  virtual bool is_text() const { return false; }

 protected:
  nlohmann::json values_ = nlohmann::json::object();
  std::int64_t line_ = 0;
};

}  // namespace moesim
