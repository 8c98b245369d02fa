// The generator against published routing: numbers of papers in the tests themselves, counts per
// layer and domain from ../shared where that is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "models/router/bank/routing_report.h"
#include "models/router/make/make_bank.h"
#include "tests/models/router/router_models.h"

namespace moesim {
namespace {

using made::bank_of;
using made::biased_router;
using made::calibrated;
using made::first_loads_of;
using made::loads_of;
using made::mixtral;
using made::olmoe;
using made::router_model;
using made::softmax_router;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double mean_gini(const ModelSpec& model, const std::string& domain = "") {
  double sum = 0;
  const auto loads = loads_of(make_routing_bank(model, calibrated(256, domain), 7));
  for (const LoadStatistics& layer : loads) sum += layer.gini;
  return sum / static_cast<double>(loads.size());
}

// arXiv:2401.04088 Table 5, mean over its eight domains: same first expert, and first or second
// expert in common, for consecutive tokens in layers 0, 15 and 31.
TEST(PublishedRouting, MixtralRepeatsItsChoicesWithinTwoPoints) {
  const double first[] = {0.1409, 0.2640, 0.2268};
  const double any[] = {0.4804, 0.6369, 0.5091};
  const RoutingBank bank = make_routing_bank(mixtral(3), calibrated(512), 7);
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    const RepeatRates rates = repeat_rates(bank, layer);
    EXPECT_NEAR(rates.first, first[layer], 0.02) << "layer " << 15.5 * static_cast<double>(layer);
    EXPECT_NEAR(rates.any, any[layer], 0.02) << "layer " << 15.5 * static_cast<double>(layer);
  }
}

// Gini on wikitext: arXiv:2605.20982. The last two are bounds "on every real text".
TEST(PublishedRouting, GiniOfFiveModelsIsWithinThreeHundredths) {
  EXPECT_NEAR(mean_gini(router_model(softmax_router(64, 6), "DeepseekForCausalLM", 3)), 0.105,
              0.03);
  EXPECT_NEAR(mean_gini(router_model(biased_router(128, 6), "NemotronHForCausalLM", 3)), 0.150,
              0.03);
  const double between = mean_gini(router_model(softmax_router(128, 8), "Qwen3MoeForCausalLM", 3));
  EXPECT_GT(between, 0.15);
  EXPECT_LT(between, 0.24);
  for (const char* architecture : {"DeepseekV2ForCausalLM", "Qwen3_5MoeForConditionalGeneration"}) {
    const double gini = mean_gini(router_model(softmax_router(64, 6), architecture, 3));
    EXPECT_GT(gini, 0.24 - 0.03) << architecture;
    EXPECT_LT(gini, 0.24 + 0.06) << architecture;
  }
}

// Qwen3-30B-A3B on short prompts: top expert 4.3 % (one domain 6.3 %) of all choices, 90 % of
// choices on 51 % (45 %) of experts, 1 - normalised entropy 0.111 (0.154).
TEST(PublishedRouting, ShortPromptsConcentrateQwen3OnHalfOfItsExperts) {
  const ModelSpec model = router_model(softmax_router(128, 8), "Qwen3MoeForCausalLM", 1);
  const std::map<std::string, std::vector<double>> published = {
      {"prompts/diverse", {0.043, 0.51, 0.111}}, {"prompts/narrow", {0.063, 0.45, 0.154}}};
  for (const auto& [domain, figures] : published) {
    auto counts = expert_counts(make_routing_bank(model, calibrated(256, domain), 7))[0];
    const LoadStatistics load = load_statistics(counts);
    std::sort(counts.rbegin(), counts.rend());
    double sum = 0, covered = 0;
    for (const double count : counts) sum += count;
    std::size_t needed = 0;
    while (covered < 0.9 * sum) covered += counts[needed++];
    EXPECT_NEAR(load.max_over_mean / 128, figures[0], 0.1 * figures[0]) << domain;
    EXPECT_NEAR(static_cast<double>(needed) / 128, figures[1], 0.03) << domain;
    EXPECT_NEAR(1 - load.entropy, figures[2], 0.015) << domain;
  }
}

// 1.4 to 2.1 with real text for OLMoE (KikoCis/moe-coactivation-placement), about 1 with noise.
TEST(PublishedRouting, ExpertsAreChosenTogetherMoreThanTheirPopularityExplains) {
  const RoutingBank real = make_routing_bank(olmoe(3), calibrated(128), 7);
  TokenSource uniform = calibrated(128);
  uniform.policy = TokenPolicy::kUniform;
  const RoutingBank chance = make_routing_bank(olmoe(3), uniform, 7);
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    EXPECT_GT(coactivation_gain(real, layer), 1.4);
    EXPECT_LT(coactivation_gain(real, layer), 2.1);
    EXPECT_NEAR(coactivation_gain(chance, layer), 1, 0.1);
  }
}

// arXiv:2401.08383 finds the next layer's expert far from uniform given this layer's.
TEST(PublishedRouting, AnExpertTellsTheNextLayersExpertByWhatTokensKeep) {
  RoutingCalibration calibration = routing_calibration(olmoe(2));
  EXPECT_GT(layer_affinity(bank_of(olmoe(2), calibration, 256, "c4"), 0), 1.7);
  calibration.persistent_noise = 0;
  const double types_and_topics = layer_affinity(bank_of(olmoe(2), calibration, 256, "c4"), 0);
  EXPECT_LT(types_and_topics, 1.5);
  TokenSource uniform = calibrated(256);
  uniform.policy = TokenPolicy::kUniform;
  EXPECT_NEAR(layer_affinity(make_routing_bank(olmoe(2), uniform, 7), 0), 1, 0.1);
}

TEST(PublishedRouting, ModelsWithoutFiguresSaySoAndUseAStatedDefault) {
  for (const MoeSpec& moe : {softmax_router(16, 2), biased_router(16, 2)}) {
    const ModelSpec model = router_model(moe, "SomethingNew", 1);
    const RoutingBank bank = make_routing_bank(model, calibrated(4), 7);
    EXPECT_NE(bank.provenance.find("assumption"), std::string::npos);
    EXPECT_NE(bank.provenance.find("no published routing"), std::string::npos);
  }
}

// A line of ../shared/truth/routing.csv with a layer.
struct Row {
  std::string model, domain, choice, metric;
  std::int64_t layer = 0;
  std::int64_t tokens = 0;
  double value = 0;
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

std::vector<Row> rows_of(const std::string& model) {
  std::ifstream file("../shared/truth/routing.csv");
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() < 14 || cells[1] != model || cells[11].empty()) continue;
    if (cells[7].find_first_not_of("0123456789") != std::string::npos) continue;
    rows.push_back({model, cells[6], cells[10], cells[12], std::stol(cells[7]),
                    std::stol(cells[11]), std::stod(cells[13])});
  }
  return rows;
}

// Relative errors of a model's banks, one per domain, by choice and metric. Banks have as many
// tokens as were counted, up to 4096: beyond, the load of the largest expert, a share f of the
// tokens, is known to sqrt((1 - f) / (4096 f)), at most 3 % here, and needs no correction.
std::map<std::string, std::vector<double>> errors_of(const ModelSpec& model,
                                                     const std::vector<Row>& rows) {
  std::map<std::string, RoutingBank> banks;
  std::map<std::string, std::vector<double>> errors;
  for (const Row& row : rows) {
    auto found = banks.find(row.domain);
    if (found == banks.end()) {
      const std::int64_t sequences = std::min<std::int64_t>(row.tokens, 4096) / 32;
      RoutingBank bank = make_routing_bank(model, calibrated(sequences, row.domain), 7);
      found = banks.emplace(row.domain, std::move(bank)).first;
    }
    const RoutingBank& bank = found->second;
    const LoadStatistics load =
        row.choice == "top1"
            ? first_loads_of(bank, row.layer)
            : load_statistics(expert_counts(bank)[static_cast<std::size_t>(row.layer)]);
    const bool is_max = row.metric == "max_over_mean_load";
    if (!is_max && row.metric != "cv_load") continue;
    const double predicted = is_max ? load.max_over_mean : load.cv;
    errors[row.choice + " " + row.metric].push_back(std::abs(predicted / row.value - 1));
  }
  return errors;
}

class CountedRouting : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("../shared/truth/routing.csv")) {
      GTEST_SKIP() << "../shared/truth/routing.csv is not there";
    }
  }
};

// In sample: calibration.yaml holds the counts of these domains, so this says that the generator
// can be what was counted, not that it foresees it.
TEST_F(CountedRouting, OlmoesLoadsPerLayerAndDomainAreThoseCounted) {
  auto errors = errors_of(olmoe(16, 256), rows_of("olmoe-1b-7b"));
  EXPECT_EQ(errors["all max_over_mean_load"].size(), 15U);
  EXPECT_LT(median(errors["all max_over_mean_load"]), 0.10);
  EXPECT_LT(median(errors["all cv_load"]), 0.10);
  EXPECT_LT(median(errors["top1 max_over_mean_load"]), 0.10);
  EXPECT_LT(median(errors["top1 cv_load"]), 0.10);
}

TEST_F(CountedRouting, MixtralsLoadsPerLayerAndDomainAreThoseCounted) {
  auto errors = errors_of(mixtral(32, 256), rows_of("mixtral-8x7b"));
  EXPECT_EQ(errors["all max_over_mean_load"].size(), 323U);
  EXPECT_LT(median(errors["all max_over_mean_load"]), 0.10);
  EXPECT_LT(median(errors["top1 max_over_mean_load"]), 0.10);
}

// Out of sample: what is foretold for a domain from the others alone; the median over 21 draws.
double foretold_max(RoutingCalibration family, const Row& row, const MoeSpec& moe, double depth) {
  std::erase_if(family.domains, [&](const TextDomain& domain) {
    const auto& others = domain.stands_for;
    return domain.name == row.domain ||
           std::find(others.begin(), others.end(), row.domain) != others.end();
  });
  const TextLoads text = text_loads(family, row.domain);
  std::vector<double> draws;
  for (std::uint64_t seed = 0; seed < 21; ++seed) {
    RandomStream random(seed, "foretold");
    draws.push_back(expert_targets(text, depth, moe.num_experts, moe.top_k, random).load.front());
  }
  return median(draws);
}

// |ln(foretold / counted)| over a model's rows of domains that begin with `domain`.
double foretold_log_error(const ModelSpec& model, const std::string& slug,
                          const std::string& domain) {
  const RoutingCalibration family = routing_calibration(model);
  std::vector<double> errors;
  for (const Row& row : rows_of(slug)) {
    if (row.choice != "all" || row.metric != "max_over_mean_load") continue;
    if (row.domain.find(domain) != 0) continue;
    const double depth =
        static_cast<double>(row.layer) / static_cast<double>(model.num_moe_layers() - 1);
    errors.push_back(std::abs(std::log(foretold_max(family, row, model.moe(), depth) / row.value)));
  }
  return median(errors);
}

TEST_F(CountedRouting, AnUncountedSubjectIsForetoldFromTheOthers) {
  EXPECT_LT(foretold_log_error(mixtral(32), "mixtral-8x7b", "mmlu/"), 0.10);
  // Running text from question sheets alone.
  EXPECT_LT(foretold_log_error(mixtral(32), "mixtral-8x7b", "wikipedia"), 0.30);
}

// Three domains whose largest loads differ two- to threefold do not foretell one another: this
// bounds what can be said of a domain without counts.
TEST_F(CountedRouting, OlmoesDomainsForetellOneAnotherOnlyWithinAFactorOfTwo) {
  const double error = foretold_log_error(olmoe(16), "olmoe-1b-7b", "");
  EXPECT_GT(error, std::log(1.2));
  EXPECT_LT(error, std::log(2.0));
}

}  // namespace
}  // namespace moesim
