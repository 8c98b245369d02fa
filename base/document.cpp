#include "base/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/read_log.h"
#include "base/text_guard.h"

namespace moesim {
namespace {

std::string shown_value(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return "nothing";
  if (node.IsScalar()) return node.Scalar().empty() ? "\"\"" : node.Scalar();
  return node.IsMap() ? "a map" : "a list";
}

// The whole of `text` as a finite number of type T.
template <class T>
std::optional<T> parse_whole(const std::string& text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_money(Dimension dimension) {
  return dimension == Dimension::kMoney || dimension == Dimension::kMoneyPerHour ||
         dimension == Dimension::kMoneyPerEnergy;
}

// "4.20 EUR/h"
bool names_other_currency(const std::string& text, Dimension dimension) {
  constexpr const char* kOthers[] = {"eur", "\u20ac", "gbp", "\u00a3", "jpy", "\u00a5", "cny",
                                     "rmb", "inr",    "krw", "chf",    "cad", "aud"};
  const std::string lower = lower_case(text);
  return is_money(dimension) && std::ranges::any_of(kOthers, [&](const char* other) {
           return lower.find(other) != std::string::npos;
         });
}

std::string number_text(double v) {
  return fmt::format("{}", v);
}

}  // namespace

void Value::fault(const std::string& allowed, const std::string& shown) const {
  faults_->add({file_, line(), path_, shown.empty() ? shown_value(node_) : shown, allowed});
}

Value Value::child(const YAML::Node& node, const std::string& key) const {
  return {node, file_, path_.empty() ? key : path_ + "." + key, faults_};
}

std::optional<std::string> Value::text() const {
  if (node_.IsScalar() && !node_.Scalar().empty()) return node_.Scalar();
  fault("text expected");
  return std::nullopt;
}

std::optional<bool> Value::boolean() const {
  if (node_.IsScalar() && node_.Scalar() == "true") return true;
  if (node_.IsScalar() && node_.Scalar() == "false") return false;
  fault("true or false expected");
  return std::nullopt;
}

std::optional<std::int64_t> Value::integer(std::int64_t min, std::int64_t max) const {
  if (node_.IsScalar()) {
    const auto number = parse_whole<std::int64_t>(node_.Scalar());
    if (number && *number >= min && *number <= max) return number;
  }
  fault(fmt::format("a whole number from {} to {} expected", min, max));
  return std::nullopt;
}

std::optional<double> Value::number(double min, double max) const {
  if (node_.IsScalar()) {
    const auto number = parse_whole<double>(node_.Scalar());
    if (number && std::isfinite(*number) && *number >= min && *number <= max) return number;
  }
  fault("a number from " + number_text(min) + " to " + number_text(max) + " expected");
  return std::nullopt;
}

std::optional<double> Value::quantity(Dimension dimension, bool zero_allowed) const {
  if (node_.IsScalar()) {
    const auto number = parse_quantity(node_.Scalar(), dimension);
    if (number && (*number > 0 || (zero_allowed && *number == 0))) return number;
  }
  const bool is_abroad = node_.IsScalar() && names_other_currency(node_.Scalar(), dimension);
  fault(std::string(allowed_quantity(dimension)) +
        (zero_allowed ? ", not negative" : ", greater than zero") +
        (is_abroad ? "; USD is the only currency: convert it" : ""));
  return std::nullopt;
}

std::optional<std::size_t> Value::choice(const std::vector<std::string>& names) const {
  const std::string given = node_.IsScalar() ? node_.Scalar() : "";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == given) return i;
  }
  const std::string near = did_you_mean(given, names);
  fault("one of " + comma_list(names) + " expected" +
        (near.empty() ? "" : "; did you mean " + near + "?"));
  return std::nullopt;
}

std::vector<Value> Value::items() const {
  std::vector<Value> out;
  if (!node_.IsSequence()) {
    fault("a list expected");
    return out;
  }
  for (std::size_t i = 0; i < node_.size(); ++i) {
    out.push_back({node_[i], file_, path_ + "[" + std::to_string(i) + "]", faults_});
  }
  return out;
}

std::vector<std::pair<std::string, Value>> Value::entries() const {
  std::vector<std::pair<std::string, Value>> out;
  if (!node_.IsMap()) {
    fault("a map of key: value expected");
    return out;
  }
  for (const auto& entry : node_) {
    const std::string key = entry.first.Scalar();
    out.emplace_back(key, child(entry.second, key));
  }
  return out;
}

MapReader::MapReader(Value value) : value_(std::move(value)) {
  if (!value_.is_map()) value_.fault("a map of key: value expected");
}

bool MapReader::has(const std::string& key) const {
  return value_.is_map() && value_.node()[key].IsDefined();
}

std::optional<Value> MapReader::optional(const std::string& key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  if (!has(key) || value_.node()[key].IsNull()) return std::nullopt;
  return value_.child(value_.node()[key], key);
}

std::optional<Value> MapReader::required(const std::string& key, const std::string& allowed) {
  auto found = optional(key);
  if (!found && value_.is_map()) {
    value_.faults().add({value_.file(), value_.line(),
                         value_.path().empty() ? key : value_.path() + "." + key, "missing",
                         allowed});
  }
  return found;
}

std::string MapReader::text_or(const std::string& key, const std::string& otherwise) {
  const auto found = optional(key);
  return found ? found->text().value_or(otherwise) : otherwise;
}

std::int64_t MapReader::integer_or(const std::string& key, std::int64_t otherwise, std::int64_t min,
                                   std::int64_t max) {
  const auto found = optional(key);
  return found ? found->integer(min, max).value_or(otherwise) : otherwise;
}

double MapReader::number_or(const std::string& key, double otherwise, double min, double max) {
  const auto found = optional(key);
  return found ? found->number(min, max).value_or(otherwise) : otherwise;
}

double MapReader::quantity_or(const std::string& key, Dimension dimension, double otherwise) {
  const auto found = optional(key);
  return found ? found->quantity(dimension).value_or(otherwise) : otherwise;
}

void MapReader::done() {
  if (!value_.is_map()) return;
  for (const auto& [key, item] : value_.entries()) {
    bool is_known = false;
    for (const std::string& known : known_) is_known = is_known || known == key;
    if (is_known) continue;
    const std::string near = did_you_mean(key, known_);
    const std::string advice = value_.faults().advice_on(key);
    if (!advice.empty()) {
      item.fault(advice, key);
    } else if (near.empty()) {
      item.fault("unknown key; allowed: " + comma_list(known_), key);
    } else {
      item.fault("unknown key; did you mean " + near + "?", key);
    }
  }
}

namespace {

constexpr std::size_t kMaxFaults = 50;

void refuse_duplicate_keys(const YAML::Node& node, const std::string& name, Faults& faults) {
  if (faults.all().size() >= kMaxFaults) return;
  if (node.IsMap()) {
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        faults.add({name, entry.first.Mark().line + 1, "", "", "a key must be plain text"});
      } else if (!seen.insert(entry.first.Scalar()).second) {
        faults.add({name, entry.first.Mark().line + 1, entry.first.Scalar(), "given twice",
                    "a key may be given once"});
      }
      refuse_duplicate_keys(entry.second, name, faults);
    }
  } else if (node.IsSequence()) {
    for (const auto& item : node) refuse_duplicate_keys(item, name, faults);
  }
}

}  // namespace

YAML::Node parse_document(const std::string& text, const std::string& name, std::size_t max_bytes) {
  refuse_misleading_text(text, name, max_bytes);
  const YAML::Node root = YAML::Load(text);
  Faults faults;
  if (!root.IsDefined() || root.IsNull()) {
    faults.add({name, 0, "", "", "the file is empty"});
  } else {
    refuse_duplicate_keys(root, name, faults);
  }
  faults.throw_if_any();
  return root;
}

std::string value_text(const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  YAML::Emitter out;
  out << YAML::Flow << value;
  return out.c_str();
}

Value closest(const Value& whole, const std::string& section, const std::string& key) {
  const std::string path = section + "." + key;
  const YAML::Node map = whole.node()[section];
  if (!map.IsDefined() || !map.IsMap()) return whole.child(whole.node(), path);
  const YAML::Node value = map[key];
  return whole.child(value.IsDefined() && value.Mark().line >= 0 ? value : map, path);
}

std::string read_file(const std::string& path, std::uint64_t most_bytes) {
  namespace fs = std::filesystem;
  const auto refuse = [&path](const std::string& found, const std::string& allowed) {
    throw InputError({{path, 0, "", found, allowed}});
  };
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) refuse("", "no such file");
  if (fs::is_directory(status)) refuse("", "a file expected, this is a folder");
  if (!fs::is_regular_file(status)) refuse("", "a file expected, this is a pipe or a device");
  const std::uint64_t bytes = fs::file_size(path, error);
  if (!error && bytes > most_bytes) {
    refuse(fmt::format("{} bytes", bytes),
           fmt::format("a file of at most {} bytes expected", most_bytes));
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  if (!in) refuse("", "cannot be read");
  std::string text = std::move(out).str();
  if (ReadLog::is_on()) ReadLog::add(path, hash_of(text));
  return text;
}

}  // namespace moesim
