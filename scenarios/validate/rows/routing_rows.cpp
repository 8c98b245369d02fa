#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "models/router/make/bank_cache.h"
#include "scenarios/validate/rows/conditions.h"
#include "scenarios/validate/rows/topics.h"

namespace moesim {
namespace {

constexpr std::uint64_t kSeed = 1;
// Tables count up to hundreds of thousands of tokens; a bank of this size has the same shares
// except for 2 % of noise per expert at 64 experts.
constexpr std::int64_t kSequences = 512;
constexpr std::int64_t kSequenceTokens = 32;

struct Loads {
  double max_over_mean = 0, min_over_mean = 0, cv = 0;
};

Loads loads_of(const std::vector<double>& counts) {
  const double n = static_cast<double>(counts.size());
  const double mean = std::accumulate(counts.begin(), counts.end(), 0.0) / n;
  double squares = 0;
  for (const double c : counts) squares += (c - mean) * (c - mean);
  return {*std::max_element(counts.begin(), counts.end()) / mean,
          *std::min_element(counts.begin(), counts.end()) / mean, std::sqrt(squares / n) / mean};
}

// Loads of every MoE layer, for all choices of a token and for its first alone.
struct ModelLoads {
  std::vector<Loads> all, first;
};

ModelLoads loads_of_bank(const RoutingBank& bank) {
  ModelLoads loads;
  const std::size_t experts = static_cast<std::size_t>(bank.num_experts);
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    std::vector<double> all(experts), first(experts);
    for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
      const auto ids = bank.token(layer, t);
      if (ids.front() < experts) ++first[ids.front()];
      for (const std::uint16_t id : ids) {
        if (id < experts) ++all[id];
      }
    }
    loads.all.push_back(loads_of(all));
    loads.first.push_back(loads_of(first));
  }
  return loads;
}

struct RoutingRow {
  const TruthRow& row;
  const Library& library;
  ValidationPlan& plan;
  Measurement& figure;
  std::map<std::string, ModelLoads>& banks;  // By model and kind of text.

  const ModelLoads& model_loads() const {
    const ModelSpec& model = stated_model(row, library);
    if (!model.is_moe()) throw Skipped{"the model is dense"};
    TokenSource source;
    source.domain = row.text("dataset");
    const std::string key = model.name + "|" + source.domain;
    const auto found = banks.find(key);
    if (found != banks.end()) return found->second;
    source.sequences = kSequences;
    source.sequence_tokens = kSequenceTokens;
    return banks.emplace(key, loads_of_bank(cached_routing_bank(model, source, kSeed)))
        .first->second;
  }

  const Loads& layer_of(const std::vector<Loads>& layers) const {
    const std::string& cell = row.text("layer");
    std::size_t layer = 0;
    const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), layer);
    if (error != std::errc() || stop != cell.data() + cell.size())
      throw Skipped{"layer not stated"};
    if (layer >= layers.size()) throw Skipped{fmt::format("the model has no MoE layer {}", cell)};
    return layers[layer];
  }

  void answer() const {
    constexpr std::string_view kMax = "max_over_mean_load", kMin = "min_over_mean_load",
                               kCv = "cv_load";
    const std::string& metric = figure.metric;
    const bool mean = metric == "max_over_mean_load_avg_over_layers";
    const bool worst = metric == "max_over_mean_load_worst_layer";
    if (metric != kMax && metric != kMin && metric != kCv && !mean && !worst) {
      throw Skipped{fmt::format("metric {} is not predicted", metric)};
    }
    const ModelLoads& loads = model_loads();
    const auto& layers = row.text("choice") == "top1" ? loads.first : loads.all;
    if (metric == kMax) return plan.predict(figure, layer_of(layers).max_over_mean);
    if (metric == kMin) return plan.predict(figure, layer_of(layers).min_over_mean);
    if (metric == kCv) return plan.predict(figure, layer_of(layers).cv);
    double sum = 0, most = 0;
    for (const Loads& layer : layers) {
      sum += layer.max_over_mean;
      most = std::max(most, layer.max_over_mean);
    }
    plan.predict(figure, worst ? most : sum / static_cast<double>(layers.size()));
  }
};

}  // namespace

void plan_routing(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  std::map<std::string, ModelLoads> banks;
  for (const TruthRow& row : table.rows) {
    Measurement& figure = plan.add(table, row);
    figure.is_moe = true;
    figure.kind = row.text("choice") == "top1" ? "first choice" : "";
    try {
      if (!row.fault().empty()) throw Skipped{row.fault()};
      RoutingRow{row, library, plan, figure, banks}.answer();
    } catch (const Skipped& skipped) {
      plan.skip(figure, skipped.reason);
    }
  }
}

}  // namespace moesim
