#include "models/router/kernel/batch_balance.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "models/router/kernel/lanes/lane_stages.h"
#include "models/router/kernel/router_kernel.h"

namespace moesim {

namespace {

constexpr double kFloor = 1e-8;
constexpr double kTolerance = 1e-4;
constexpr int kMostRounds = 1000;  // Reached only by logits that no scaling can balance.

// exp(z - largest z of the row).
std::vector<double> scaled_powers(std::span<const float> logits, std::size_t outputs) {
  std::vector<double> powers(logits.size());
  for (std::size_t begin = 0; begin < logits.size(); begin += outputs) {
    double largest = -kLargestLogit;
    for (std::size_t i = begin; i < begin + outputs; ++i) {
      powers[i] = limited_logit(logits[i]);
      largest = std::max(largest, powers[i]);
    }
    for (std::size_t i = begin; i < begin + outputs; ++i) powers[i] = std::exp(powers[i] - largest);
  }
  return powers;
}

// One round: d_0 from d_1, and d_1 from that.
std::vector<double> rescale(const std::vector<double>& powers, const std::vector<double>& d1) {
  const std::size_t outputs = d1.size();
  const auto tokens = static_cast<double>(powers.size() / outputs);
  std::vector<double> columns(outputs, 0.0);
  for (std::size_t begin = 0; begin < powers.size(); begin += outputs) {
    double row = kFloor;
    for (std::size_t e = 0; e < outputs; ++e) row += powers[begin + e] * d1[e];
    const double d0 = 1 / (tokens * row);
    for (std::size_t e = 0; e < outputs; ++e) columns[e] += powers[begin + e] * d0;
  }
  for (double& sum : columns) sum = 1 / (static_cast<double>(outputs) * (sum + kFloor));
  return columns;
}

}  // namespace

std::vector<float> sinkhorn_correction(const MoeSpec& moe, std::span<const float> logits) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  const std::vector<double> powers = scaled_powers(logits, outputs);
  std::vector<double> d1(outputs, 1.0);
  for (int round = 0; round < kMostRounds && !powers.empty(); ++round) {
    std::vector<double> next = rescale(powers, d1);
    double change = 0;
    for (std::size_t e = 0; e < outputs; ++e) change += std::abs(next[e] - d1[e]);
    d1 = std::move(next);
    if (change < kTolerance * static_cast<double>(outputs)) break;
  }
  std::vector<float> correction;
  for (const double scale : d1) correction.push_back(static_cast<float>(std::log(scale)));
  return correction;
}

namespace {

constexpr int kMostTurns = 50;  // Loads change little after ten.

// The n-th largest, n = 0 for the first. Reorders the values.
float nth_largest(std::vector<float>& values, std::size_t n) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(n);
  std::nth_element(values.begin(), place, values.end(), std::greater<>());
  return *place;
}

}  // namespace

std::vector<float> quantile_correction(const MoeSpec& moe, std::span<const float> logits) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  const auto top_k = static_cast<std::size_t>(moe.top_k);
  const std::size_t tokens = logits.size() / outputs;
  const std::size_t wanted = tokens * top_k / outputs;
  std::vector<float> correction(outputs, 0.0F);
  if (top_k == outputs || wanted == tokens) return correction;  // All experts for all tokens.
  std::vector<float> row(outputs);
  std::vector<float> column(tokens);
  std::vector<float> threshold(tokens);
  float change = 1;
  for (int turn = 0; turn < kMostTurns && change > kTolerance; ++turn) {
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t e = 0; e < outputs; ++e) {
        row[e] = limited_logit(logits[t * outputs + e]) + correction[e];
      }
      threshold[t] = nth_largest(row, top_k);
    }
    change = 0;
    for (std::size_t e = 0; e < outputs; ++e) {
      for (std::size_t t = 0; t < tokens; ++t) {
        column[t] = limited_logit(logits[t * outputs + e]) - threshold[t];
      }
      const float price = nth_largest(column, wanted);
      change = std::max(change, std::abs(correction[e] + price));
      correction[e] = -price;
    }
  }
  return correction;
}

}  // namespace moesim
