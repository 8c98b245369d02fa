#include "models/quality/training_tokens.h"

#include <fmt/format.h>

#include <map>

#include "base/data_folder.h"
#include "base/document.h"
#include "models/quality/law_coefficients.h"

namespace moesim {
namespace {

constexpr double kMostTokens = 1e15;

using Table = std::map<std::string, TrainingTokens>;

Table read_table() {
  const std::string path = data_folder("models/quality") + "/training_tokens.yaml";
  Faults faults;
  Table table;
  const Value root(parse_document(read_file(path), path), path, "", &faults);
  for (const auto& [name, value] : root.entries()) {
    MapReader map(value);
    TrainingTokens& entry = table[name];
    const auto tokens = map.required("tokens", "a number of tokens");
    if (tokens) entry.tokens = tokens->number(1, kMostTokens).value_or(0);
    entry.source = map.text_or("source", "");
    entry.confidence = "published";
    map.done();
  }
  faults.throw_if_any();
  return table;
}

}  // namespace

TrainingTokens assumed_training_tokens(const ModelSpec& model) {
  const auto active = static_cast<double>(count_parameters(model).active);
  const double each = law_coefficients().tokens_per_active;
  return {
      each * active,
      fmt::format("not published: {:g} per active parameter, after arXiv:2203.15556 Table 3", each),
      "assumption"};
}

TrainingTokens training_tokens_of(const ModelSpec& model) {
  static const Table kTable = read_table();
  const auto found = kTable.find(model.name);
  return found != kTable.end() ? found->second : assumed_training_tokens(model);
}

}  // namespace moesim
