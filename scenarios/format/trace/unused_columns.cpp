#include "scenarios/format/trace/unused_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

namespace moesim {
namespace {

constexpr std::array<const char*, 3> kGaps = {"delay", "think_time", "Elapsed time"};

// Columns by why they are not used; a name that ends in '*' stands for all that begin so.
struct Reason {
  const char* text;
  std::vector<std::string_view> columns;
};

const std::vector<Reason>& reasons() {
  static const std::vector<Reason> kReasons = {
      {"prefix caching is not modelled", {"hash_ids", "block_hashes", "prefix_hash", "prefix_id"}},
      {"a request does not wait for the turn before it",
       {"chat_id", "parent_chat_id", "turn", "Session ID", "session_id", "conversation_id",
        "turn_index", "delay", "think_time", "metadata.session_num", "metadata.conversation_id",
        "metadata.turn_index", "metadata.x_correlation_id", "metadata.parent_correlation_id",
        "metadata.agent_depth"}},
      {"all requests go to the model of the case", {"Model", "model"}},
      {"all kinds of requests are served alike", {"Log Type", "type"}},
      {"the sum of both", {"Total tokens", "total_tokens"}},
      {"results of the recorded run", {"Elapsed time", "metrics.*", "trace_data.*"}},
      {"names and times of the recorded run", {"metadata.*", "id", "request_id"}},
      {"no meaning known", {"*"}}};
  return kReasons;
}

bool is_named(const std::string& column, std::string_view name) {
  if (!name.ends_with('*')) return column == name;
  return column.starts_with(name.substr(0, name.size() - 1));
}

bool explains(const Reason& reason, const std::string& column) {
  return std::ranges::any_of(reason.columns,
                             [&](const auto& name) { return is_named(column, name); });
}

// A foreign name in quotes where it is no plain word.
std::string printed(const std::string& name) {
  const bool is_plain = name.size() <= 60 && std::ranges::all_of(name, [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                 (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == ' ';
                        });
  return is_plain ? name : shown(name);
}

}  // namespace

std::string unused_columns_text(const std::vector<std::string>& columns) {
  std::vector<std::vector<std::string>> groups(reasons().size());
  for (const std::string& column : columns) {
    const auto reason =
        std::ranges::find_if(reasons(), [&](const Reason& one) { return explains(one, column); });
    groups[static_cast<std::size_t>(reason - reasons().begin())].push_back(printed(column));
  }
  std::string text;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].empty()) continue;
    text += fmt::format("{}{} ({})", text.empty() ? "not used: " : "; ", some_of(groups[i]),
                        reasons()[i].text);
  }
  return text;
}

void check_gaps(const TraceRow& row) {
  for (const char* column : kGaps) {
    const nlohmann::json* value = row.peek(column);
    if (value != nullptr && row.number_in(*value).value_or(0) < 0) {
      row.fault(column, "a time of at least 0 expected");
    }
  }
}

}  // namespace moesim
