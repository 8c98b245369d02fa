// What `where:` says of a sweep's points: a comparison such as "moe.parallel.ep * tp <= gpus" over
// swept paths and the names of a case's plan.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/document.h"
#include "sim/deployment/deployment.h"

namespace moesim {

struct Expression;

// A condition as read. Grammar, loosest first: or, and, not, one comparison (< <= > >= == !=),
// + and -, * / and %, a sign, then a number, a name or parentheses. A name may hold letters,
// digits, "_", "." and "-" (so a minus needs a space before it); in quotes it may hold anything.
struct Condition {
  std::string text;
  std::string file;
  int line = 0;
  std::shared_ptr<const Expression> root;
  std::vector<std::string> names;  // In order of appearance, each once.
};

// Reads one condition; a fault that shows where the text goes wrong.
std::optional<Condition> read_condition(const Value& value);

// The number that a name stands for; nothing if it has none here.
using NumberOf = std::function<std::optional<double>(const std::string&)>;

// Whether the condition holds; nothing where a name has no number or a division is by zero.
std::optional<bool> holds(const Condition& condition, const NumberOf& number_of);

// The names that conditions know of every case, with their numbers: tp, pp, attention_dp, ep,
// moe_tp, replicas, gpus, nodes, gpus_per_node, experts, top_k, layers.
std::vector<std::pair<std::string, double>> plan_numbers(const Deployment& deployment);

}  // namespace moesim
