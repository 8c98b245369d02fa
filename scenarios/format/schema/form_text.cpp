#include "scenarios/format/schema/form_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moesim {
namespace {

constexpr std::size_t kMostWords = 12;  // Longer lists are names that `moesim list` prints.

std::string quoted(const std::string& value) {
  return "`" + value + "`";
}

// 65536 as "65,536", 1e-06 and 0.1 as they are.
std::string bound(double number) {
  if (number != std::floor(number)) return fmt::format("{}", number);
  std::string digits = fmt::format("{:.0f}", number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string words_text(const std::vector<std::string>& words) {
  if (words.size() > kMostWords) return "name";
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + quoted(word);
  return text;
}

struct FormText {
  std::string operator()(const form::Flag&) const { return "`true`, `false`"; }
  std::string operator()(const form::Whole& whole) const {
    return fmt::format("whole number from {} to {}", bound(static_cast<double>(whole.min)),
                       bound(static_cast<double>(whole.max)));
  }
  std::string operator()(const form::Number& number) const {
    return fmt::format("number from {} to {}", bound(number.min), bound(number.max));
  }
  std::string operator()(const form::Quantity& quantity) const {
    const std::string most = quantity.most;
    return std::string(allowed_quantity(quantity.dimension)) +
           (most.empty() ? "" : ", up to " + most);
  }
  std::string operator()(const form::Text&) const { return "text"; }
  std::string operator()(const form::Title&) const { return "text"; }
  std::string operator()(const form::Wholes& list) const {
    return "list of: " + (*this)(list.item);
  }
  std::string operator()(const form::Count& count) const {
    return fmt::format("number of {0}, such as \"{1} {0}\"", count.of, count.number.min);
  }
  std::string operator()(const form::Words& words) const { return words_text(words.words); }
  std::string operator()(const form::Name& name) const {
    return name.or_path ? "name or path" : words_text(name.names());
  }
  std::string operator()(const form::Constant& constant) const { return quoted(constant.value); }
  std::string operator()(const form::Values&) const { return "list of values"; }
  std::string operator()(const form::Map&) const { return "map"; }
  std::string operator()(const form::List& list) const {
    return "list of: " + form_text(list.item.front().form);
  }
  std::string operator()(const form::Either& either) const {
    std::vector<std::string> types;
    for (const form::Part& part : either.forms) {
      const std::string type = form_text(part.form);
      if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
    }
    return fmt::format("{}", fmt::join(types, ", or "));
  }
};

}  // namespace

std::string form_text(const form::Any& form) {
  return std::visit(FormText{}, form);
}

std::string default_text(const KeyFacts& facts) {
  if (facts.required()) return "required";
  const bool is_value = facts.fallback.kind == Default::Kind::kValue;
  return is_value ? quoted(facts.fallback.text) : facts.fallback.text;
}

std::string full_meaning(const KeyFacts& facts) {
  return facts.meaning + (facts.applies.empty() ? "" : "; only " + facts.applies);
}

}  // namespace moesim
