#include "base/form.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "base/keys.h"

namespace moesim::form {
namespace {

struct AllowedText {
  std::string operator()(const Flag&) const { return "true or false expected"; }
  std::string operator()(const Whole& whole) const {
    return fmt::format("a whole number from {} to {} expected", whole.min, whole.max);
  }
  std::string operator()(const Number& number) const {
    return fmt::format("a number from {} to {} expected", number.min, number.max);
  }
  std::string operator()(const Quantity& quantity) const {
    return std::string(allowed_quantity(quantity.dimension));
  }
  std::string operator()(const Text&) const { return "text expected"; }
  std::string operator()(const Title&) const { return "a name for the report"; }
  std::string operator()(const Wholes&) const { return "a list expected"; }
  std::string operator()(const Count& count) const { return count.allowed(); }
  std::string operator()(const Words& words) const {
    return "one of " + comma_list(words.words) + " expected";
  }
  std::string operator()(const Name& name) const { return name.allowed; }
  std::string operator()(const Constant& constant) const { return constant.value + " expected"; }
  std::string operator()(const Values&) const { return "a list of values expected"; }
  std::string operator()(const Map& map) const {
    return "a map such as " + map.example + " expected";
  }
  std::string operator()(const List& list) const { return list.allowed; }
  std::string operator()(const Either& either) const { return either.allowed; }
};

}  // namespace

std::string Number::write(double number) const {
  return fmt::format("{}", number);
}

std::optional<double> Quantity::read(const Value& value) const {
  const auto number = value.quantity(dimension, zero_allowed);
  if (!number || (*number >= min && *number <= max)) return number;
  const std::string highest = *most != 0 ? most : quantity_text(max, dimension);
  value.fault(*number > max ? fmt::format("at most {} expected", highest)
                            : fmt::format("at least {} expected", quantity_text(min, dimension)));
  return std::nullopt;
}

std::optional<std::string> Title::read(const Value& value) const {
  const auto name = value.text();
  if (!name) return std::nullopt;
  if (name->find_first_of("\n\r\t") != std::string::npos) {
    value.fault("a name on one line, without tabs, expected", "several lines");
  } else if (name->size() > max_bytes) {
    value.fault(fmt::format("a name of at most {} bytes expected", max_bytes),
                fmt::format("{} bytes", name->size()));
  }
  return name;
}

std::optional<std::vector<std::int64_t>> Wholes::read(const Value& value) const {
  std::vector<std::int64_t> numbers;
  const std::size_t before = value.faults().all().size();
  for (const Value& one : value.items()) numbers.push_back(item.read(one).value_or(item.min));
  return value.faults().all().size() > before ? std::nullopt : std::optional(numbers);
}

std::string Wholes::write(const std::vector<std::int64_t>& numbers) const {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

std::string Count::allowed() const {
  return fmt::format("from {} to {} expected", write(number.min), write(number.max));
}

std::optional<std::int64_t> Count::read(const Value& value) const {
  const auto text = value.text();
  if (!text) return std::nullopt;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  const bool is_count = error == std::errc() &&
                        end == text->data() + text->size() - of.size() - 1 &&
                        text->ends_with(" " + of);
  if (is_count && count >= number.min && count <= number.max) return count;
  value.fault(allowed());
  return std::nullopt;
}

std::optional<Number> bounds_of(const Any& form) {
  if (const auto* number = std::get_if<Number>(&form)) return *number;
  if (const auto* quantity = std::get_if<Quantity>(&form))
    return Number{quantity->min, quantity->max};
  if (const auto* whole = std::get_if<Whole>(&form)) {
    return Number{static_cast<double>(whole->min), static_cast<double>(whole->max)};
  }
  return std::nullopt;
}

std::string allowed_text(const Any& form) {
  return std::visit(AllowedText{}, form);
}

}  // namespace moesim::form
