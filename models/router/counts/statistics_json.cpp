#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "models/router/counts/statistics_files.h"

namespace moesim {

namespace {

constexpr std::size_t kMostLevels = 64;
constexpr const char* kAllowed =
    "one JSON object with logical_count: [[the experts of layer 0], ...]";

// Tables are taken as they pass, so that a file of any size takes no more memory than its text.
class StatisticsReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit StatisticsReader(RoutingStatistics& statistics) : statistics_(statistics) {}

  std::string error;  // Why the file is of another kind; "" = it is not.

  bool null() override { return take(0, false); }
  bool boolean(bool /*value*/) override { return take(0, false); }
  bool number_integer(std::int64_t value) override { return take(value, true); }
  bool number_unsigned(std::uint64_t value) override {
    constexpr auto kMost = static_cast<std::uint64_t>(INT64_MAX);
    return take(static_cast<std::int64_t>(std::min(value, kMost)), true);
  }
  bool number_float(double value, const std::string& /*text*/) override {
    const bool is_whole = std::trunc(value) == value && std::abs(value) < 1e15;
    return take(is_whole ? static_cast<std::int64_t>(value) : 0, is_whole);
  }
  bool string(std::string& /*value*/) override { return take(0, false); }
  bool binary(nlohmann::json::binary_t& /*value*/) override { return take(0, false); }

  bool start_object(std::size_t /*size*/) override { return open(true); }
  bool key(std::string& name) override {
    levels_.back().key = name;
    if (levels_.size() == 1 || is_record(levels_.size() - 1)) statistics_.fields.insert(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override {
    if (levels_.empty()) return fail("a list");
    return open(false);
  }
  bool end_array() override {
    const Place here = place();
    const std::int64_t count = levels_.back().count;
    if (here.table != nullptr && here.depth > 0 && count > 0) {
      const bool is_layer = levels_.back().has_numbers;
      if (is_layer && here.depth > 1) {
        here.table->end_layer(levels_[levels_.size() - 2].count, count);
      } else if (!is_layer && levels_.back().has_layers) {
        here.table->end_step(count);
      }
    }
    return close();
  }
  bool parse_error(std::size_t at, const std::string& /*token*/,
                   const nlohmann::json::exception& /*exception*/) override {
    return fail(fmt::format("no JSON at byte {}", at));
  }

 private:
  struct Level {
    bool is_map = false;
    std::string key = {};
    std::int64_t count = 0;    // Values so far.
    bool has_numbers = false;  // Among the values of a list.
    bool has_layers = false;   // Lists of numbers.
  };
  // Where in a table the innermost value stands.
  struct Place {
    CountGrid* table = nullptr;
    std::size_t depth = 0;  // Lists around it.
  };

  bool fail(const std::string& found) {
    error = found;
    return false;
  }

  bool is_record(std::size_t level) const {
    return level == 2 && levels_[0].key == "records" && !levels_[1].is_map && levels_[2].is_map;
  }

  Place place() const {
    std::size_t owner = levels_.size();
    while (owner > 0 && !levels_[owner - 1].is_map) --owner;
    if (owner != 1 && (owner != 3 || !is_record(2))) return {};
    return {statistics_.table(levels_[owner - 1].key), levels_.size() - owner};
  }

  bool open(bool is_map) {
    if (levels_.size() == kMostLevels)
      return fail(fmt::format("nested deeper than {}", kMostLevels));
    const Place here = place();
    if (is_map && here.table != nullptr) return fail(here.table->name() + " with an object");
    levels_.push_back({is_map});
    return true;
  }

  bool close() {
    const bool has_numbers = levels_.back().has_numbers;
    levels_.pop_back();
    if (levels_.empty()) return true;
    ++levels_.back().count;
    levels_.back().has_layers = levels_.back().has_layers || has_numbers;
    return true;
  }

  // A value that is no list or object.
  bool take(std::int64_t value, bool is_whole) {
    if (levels_.empty()) return fail("a single value");
    const Place here = place();
    Level& list = levels_.back();
    if (here.table != nullptr) {
      if (!is_whole || here.depth < 2 || here.depth > 3 || list.has_layers) {
        return fail(fmt::format(
            "{} with {}", here.table->name(),
            is_whole ? "numbers in lists of other depths" : "a value that is no whole number"));
      }
      here.table->add(levels_[levels_.size() - 2].count, list.count, value);
      list.has_numbers = true;
    }
    ++list.count;
    return true;
  }

  RoutingStatistics& statistics_;
  std::vector<Level> levels_;
};

}  // namespace

void read_statistics_json(const std::string& path, RoutingStatistics& statistics) {
  const InputFile file(path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, text);
  StatisticsReader reader(statistics);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  if (!reader.error.empty()) refuse_file(path, reader.error, kAllowed);
}

}  // namespace moesim
