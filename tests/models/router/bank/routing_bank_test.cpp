// Statistics of a bank's loads and repetitions, and the table of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "models/router/bank/load_statistics.h"
#include "models/router/bank/routing_report.h"
#include "models/router/make/make_bank.h"
#include "tests/models/router/router_models.h"

namespace moesim {
namespace {

RoutingBank uniform_bank() {
  TokenSource source;
  source.policy = TokenPolicy::kUniform;
  source.sequences = 4;
  return make_routing_bank(made::olmoe(3), source, 1);
}

TEST(LoadStatistics, AreTheirDefinitions) {
  const std::vector<double> counts = {0, 0, 0, 8};
  const LoadStatistics statistics = load_statistics(counts);
  EXPECT_DOUBLE_EQ(statistics.max_over_mean, 4);
  EXPECT_DOUBLE_EQ(statistics.gini, 0.75);          // 1 - 1/n: one has all.
  EXPECT_DOUBLE_EQ(statistics.cv, std::sqrt(3.0));  // sqrt(n - 1): one has all.
  EXPECT_DOUBLE_EQ(statistics.entropy, 0);
  EXPECT_DOUBLE_EQ(statistics.unused_share, 0.75);
  EXPECT_DOUBLE_EQ(load_statistics(std::vector<double>(4, 0.0)).max_over_mean, 0);
  const LoadStatistics even = load_statistics(std::vector<double>(4, 3.0));
  EXPECT_DOUBLE_EQ(even.cv, 0);
  EXPECT_DOUBLE_EQ(even.entropy, 1);
  // Two of four share everything: ln 2 / ln 4.
  EXPECT_DOUBLE_EQ(load_statistics(std::vector<double>{5, 5, 0, 0}).entropy, 0.5);
  EXPECT_DOUBLE_EQ(load_statistics(std::vector<double>{5}).entropy, 1);
}

// Tokens: {0, none}, {0, 1}, {none, none}, {none, none} in one sequence of four.
TEST(Counting, SlotsWithoutAnExpertCountForNothing) {
  constexpr std::uint16_t none = kNoExpert;
  RoutingBank bank;
  bank.num_layers = 1;
  bank.num_experts = 2;
  bank.top_k = 2;
  bank.sequences = 1;
  bank.sequence_tokens = 4;
  bank.ids = {0, none, 0, 1, none, none, none, none};
  EXPECT_EQ(expert_counts(bank)[0], (std::vector<double>{2, 1}));
  const RepeatRates rates = repeat_rates(bank, 0);  // One pair counts: the first two tokens.
  EXPECT_DOUBLE_EQ(rates.first, 1);
  EXPECT_DOUBLE_EQ(rates.any, 1);
  EXPECT_DOUBLE_EQ(rates.overlap, 0.5);
}

TEST(RoutingReport, HasALineForEveryLayerAndTheProvenance) {
  const RoutingBank bank = uniform_bank();
  const std::string report = routing_report(bank);
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 2 + 3 + 1);
  EXPECT_NE(report.find(bank.provenance), std::string::npos);
}

TEST(RoutingReport, TablesAreNarrowerThanAHundredColumns) {
  const RoutingBank bank = uniform_bank();
  std::stringstream lines(routing_report(bank));
  for (std::string line; std::getline(lines, line) && line != bank.provenance;) {
    EXPECT_LT(line.size(), 100U) << line;
  }
}

}  // namespace
}  // namespace moesim
