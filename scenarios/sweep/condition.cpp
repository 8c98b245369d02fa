#include "scenarios/sweep/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace moesim {

// A number, a name, or an operator over one or two parts.
struct Expression {
  std::string sign;  // The operator; "" = a number, "name" = a name.
  double number = 0;
  std::string name;
  std::shared_ptr<const Expression> left, right;
  bool is_truth = false;  // Yes or no; else a number.
};

namespace {

using Part = std::shared_ptr<const Expression>;

constexpr std::size_t kMostText = 1000;  // Bounds the depth of what is parsed as well.

struct Refusal {
  std::size_t at;
  std::string allowed;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  // Throws: Refusal.
  Part whole() {
    Part root = any_of();
    skip_spaces();
    if (at_ < text_.size()) refuse("an operator or the end expected");
    if (!root->is_truth) throw Refusal{0, "a comparison expected, e.g. ep * tp <= gpus"};
    return root;
  }

  std::vector<std::string> names() && { return std::move(names_); }

 private:
  [[noreturn]] void refuse(const std::string& allowed) const { throw Refusal{at_, allowed}; }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  // The first of `signs` that stands here, taken; words must end where they end.
  std::string take(std::initializer_list<const char*> signs) {
    skip_spaces();
    for (const std::string sign : signs) {
      const std::size_t end = at_ + sign.size();
      if (text_.compare(at_, sign.size(), sign) != 0) continue;
      if (is_letter(sign[0]) && end < text_.size() && is_name_part(text_[end])) continue;
      at_ = end;
      return sign;
    }
    return "";
  }

  static bool is_name_part(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; }

  Part made(const std::string& sign, Part left, Part right, bool of_truths, bool is_truth) {
    for (const Part& part : {left, right}) {
      if (part && part->is_truth != of_truths) {
        refuse(of_truths ? "\"" + sign + "\" joins comparisons, not numbers"
                         : "\"" + sign + "\" takes numbers, not comparisons");
      }
    }
    return std::make_shared<Expression>(
        Expression{sign, 0, "", std::move(left), std::move(right), is_truth});
  }

  Part any_of() {
    Part left = all_of();
    while (!take({"or"}).empty()) left = made("or", left, all_of(), true, true);
    return left;
  }

  Part all_of() {
    Part left = negation();
    while (!take({"and"}).empty()) left = made("and", left, negation(), true, true);
    return left;
  }

  Part negation() {
    if (!take({"not"}).empty()) return made("not", negation(), nullptr, true, true);
    return comparison();
  }

  Part comparison() {
    Part left = sum();
    const std::string sign = take({"<=", ">=", "==", "!=", "<", ">"});
    if (!sign.empty()) return made(sign, left, sum(), false, true);
    if (!take({"="}).empty()) refuse("== expected");
    return left;
  }

  Part sum() {
    Part left = product();
    for (std::string sign; !(sign = take({"+", "-"})).empty();) {
      left = made(sign, left, product(), false, false);
    }
    return left;
  }

  Part product() {
    Part left = signed_part();
    for (std::string sign; !(sign = take({"*", "/", "%"})).empty();) {
      left = made(sign, left, signed_part(), false, false);
    }
    return left;
  }

  Part signed_part() {
    if (!take({"-"}).empty()) {
      return made("-", std::make_shared<Expression>(), signed_part(), false, false);
    }
    return single();
  }

  Part single() {
    if (!take({"("}).empty()) {
      Part inner = any_of();
      if (take({")"}).empty()) refuse("\")\" expected");
      return inner;
    }
    skip_spaces();
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (is_digit(c) || c == '.') return number();
    if (c == '"' || c == '\'') return quoted_name(c);
    if (is_letter(c)) return plain_name();
    refuse("a number, a name or \"(\" expected");
  }

  Part number() {
    auto part = std::make_shared<Expression>();
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), part->number);
    if (error != std::errc() || !std::isfinite(part->number)) refuse("a number expected");
    at_ += static_cast<std::size_t>(end - begin);
    if (at_ < text_.size() && is_letter(text_[at_])) refuse("an operator expected");
    return part;
  }

  Part plain_name() {
    std::size_t end = at_;
    while (end < text_.size() && is_name_part(text_[end])) ++end;
    return name(end, end);
  }

  Part quoted_name(char quote) {
    const std::size_t end = text_.find(quote, ++at_);
    if (end == std::string::npos) refuse("a closing quote expected");
    return name(end, end + 1);
  }

  Part name(std::size_t end, std::size_t next) {
    auto part = std::make_shared<Expression>();
    part->sign = "name";
    part->name = text_.substr(at_, end - at_);
    at_ = next;
    if (std::ranges::find(names_, part->name) == names_.end()) names_.push_back(part->name);
    return part;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  std::vector<std::string> names_;
};

// Truths count as 1 and 0; NaN = no number.
double value_of(const Expression& part, const NumberOf& number_of) {
  if (part.sign.empty()) return part.number;
  if (part.sign == "name") return number_of(part.name).value_or(std::nan(""));
  const double a = value_of(*part.left, number_of);
  const double b = part.right ? value_of(*part.right, number_of) : 0;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  if (part.sign == "or") return a != 0 || b != 0;
  if (part.sign == "and") return a != 0 && b != 0;
  if (part.sign == "not") return a == 0;
  if (part.sign == "<=") return a <= b;
  if (part.sign == ">=") return a >= b;
  if (part.sign == "==") return a == b;
  if (part.sign == "!=") return a != b;
  if (part.sign == "<") return a < b;
  if (part.sign == ">") return a > b;
  if (part.sign == "+") return a + b;
  if (part.sign == "-") return a - b;
  if (part.sign == "*") return a * b;
  if (b == 0) return std::nan("");
  return part.sign == "/" ? a / b : std::fmod(a, b);
}

}  // namespace

std::optional<Condition> read_condition(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (text->size() > kMostText) {
    value.fault(fmt::format("at most {} characters expected", kMostText), "a longer text");
    return std::nullopt;
  }
  Condition condition{*text, value.file(), value.line(), nullptr, {}};
  try {
    Parser parser(condition.text);
    condition.root = parser.whole();
    condition.names = std::move(parser).names();
  } catch (const Refusal& refusal) {
    value.fault(fmt::format("{} at \"{}\"", refusal.allowed, text->substr(refusal.at)));
    return std::nullopt;
  }
  return condition;
}

std::optional<bool> holds(const Condition& condition, const NumberOf& number_of) {
  const double value = value_of(*condition.root, number_of);
  if (std::isnan(value)) return std::nullopt;
  return value != 0;
}

std::vector<std::pair<std::string, double>> plan_numbers(const Deployment& deployment) {
  const ParallelPlan& plan = deployment.plan;
  const ModelSpec& model = deployment.model;
  const std::pair<const char*, std::int64_t> counts[] = {
      {"tp", plan.tp},
      {"pp", plan.pp},
      {"attention_dp", plan.attention_dp},
      {"ep", plan.ep},
      {"moe_tp", plan.moe_tp},
      {"replicas", plan.replicas},
      {"gpus", deployment.cluster.num_devices()},
      {"nodes", deployment.cluster.nodes},
      {"gpus_per_node", deployment.cluster.node.devices},
      {"experts", model.is_moe() ? model.moe().num_experts : 0},
      {"top_k", model.is_moe() ? model.moe().top_k : 0},
      {"layers", std::ssize(model.layers)}};
  std::vector<std::pair<std::string, double>> numbers;
  for (const auto& [name, count] : counts) numbers.emplace_back(name, static_cast<double>(count));
  return numbers;
}

}  // namespace moesim
