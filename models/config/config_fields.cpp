#include "models/config/config_fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace moesim {
namespace {

std::string whole_number(std::int64_t min, std::int64_t max) {
  return fmt::format("a whole number from {} to {} expected", min, max);
}

Value text_config(const Value& root) {
  for (const char* name : {"text_config", "llm_config", "language_config"}) {
    const YAML::Node node = root.node()[name];
    if (node.IsDefined() && node.IsMap()) return root.child(node, name);
  }
  return root;
}

std::optional<Value> present(const Value& map, const char* name) {
  const YAML::Node node = map.node()[name];
  if (!node.IsDefined() || node.IsNull()) return std::nullopt;
  return map.child(node, name);
}

}  // namespace

ConfigFields::ConfigFields(const Value& root)
    : ConfigFields(root, std::make_shared<std::set<std::string>>()) {}

ConfigFields::ConfigFields(const Value& root, std::shared_ptr<std::set<std::string>> found)
    : root_(root), text_(text_config(root)), found_(std::move(found)) {}

std::optional<Value> ConfigFields::find(Names names) const {
  for (const Value* map : {&text_, &root_}) {
    for (const char* name : names) {
      auto value = present(*map, name);
      if (!value) continue;
      found_->insert(name);
      return value;
    }
  }
  return std::nullopt;
}

std::optional<ConfigFields> ConfigFields::nested(const char* name) const {
  const auto found = find({name});
  if (!found) return std::nullopt;
  if (found->is_map()) return ConfigFields(*found, found_);
  found->fault("a map expected");
  return std::nullopt;
}

std::optional<std::int64_t> ConfigFields::integer(const Value& value, std::int64_t min,
                                                  std::int64_t max) const {
  if (!value.is_quoted()) return value.integer(min, max);
  value.fault(whole_number(min, max), '"' + value.node().Scalar() + '"');
  return std::nullopt;
}

std::int64_t ConfigFields::required(Names names, std::int64_t max) const {
  const auto found = find(names);
  if (found) return integer(*found, 1, max).value_or(0);
  fault(names, whole_number(1, max));
  return 0;
}

std::int64_t ConfigFields::count_or(Names names, std::int64_t otherwise, std::int64_t max) const {
  return integer_or(names, otherwise, 1, max);
}

std::int64_t ConfigFields::integer_or(Names names, std::int64_t otherwise, std::int64_t min,
                                      std::int64_t max) const {
  const auto found = find(names);
  return found ? integer(*found, min, max).value_or(otherwise) : otherwise;
}

double ConfigFields::positive_or(Names names, double otherwise) const {
  return number_or(names, otherwise, 1e-6, 1e6);
}

double ConfigFields::number_or(Names names, double otherwise, double min, double max) const {
  const auto found = find(names);
  if (!found) return otherwise;
  const auto number = found->is_quoted() ? std::nullopt : found->number(min, max);
  if (found->is_quoted())
    found->fault(fmt::format("a number from {:g} to {:g} expected", min, max));
  return number.value_or(otherwise);
}

bool ConfigFields::flag_or(Names names, bool otherwise) const {
  const auto found = find(names);
  return found ? found->boolean().value_or(otherwise) : otherwise;
}

std::string ConfigFields::text_or(Names names, const std::string& otherwise) const {
  const auto found = find(names);
  return found ? found->text().value_or(otherwise) : otherwise;
}

bool ConfigFields::has_length(const Value& list, std::int64_t num_layers) const {
  const auto size = static_cast<std::int64_t>(list.node().size());
  if (size == num_layers) return true;
  list.fault(fmt::format("one item for each of the {} layers expected", num_layers),
             fmt::format("a list of {}", size));
  return false;
}

std::vector<std::int64_t> ConfigFields::per_layer(Names names, std::int64_t num_layers,
                                                  std::int64_t min, std::int64_t max) const {
  const auto size = static_cast<std::size_t>(num_layers);
  const auto found = find(names);
  if (!found) {
    fault(names, whole_number(min, max) + ", or a list of one per layer");
    return std::vector<std::int64_t>(size, 0);
  }
  if (!found->is_list()) return std::vector(size, integer(*found, min, max).value_or(0));
  if (!has_length(*found, num_layers)) return std::vector<std::int64_t>(size, 0);
  std::vector<std::int64_t> numbers;
  for (const Value& item : found->items()) numbers.push_back(integer(item, min, max).value_or(0));
  return numbers;
}

std::vector<std::string> ConfigFields::text_per_layer(
    Names names, std::int64_t num_layers, const std::vector<std::string>& allowed) const {
  const auto found = find(names);
  if (!found) return {};
  const std::vector<Value> items = found->items();
  if (!found->is_list() || !has_length(*found, num_layers)) return {};
  std::vector<std::string> texts;
  for (const Value& item : items) {
    const auto index = item.choice(allowed);
    if (!index) return {};
    texts.push_back(allowed[*index]);
  }
  return texts;
}

void ConfigFields::fault(Names names, const std::string& allowed) const {
  if (const auto found = find(names)) return found->fault(allowed);
  const std::string prefix = text_.path().empty() ? "" : text_.path() + ".";
  root_.faults().add({text_.file(), text_.line(), prefix + *names.begin(), "missing", allowed});
}

}  // namespace moesim
