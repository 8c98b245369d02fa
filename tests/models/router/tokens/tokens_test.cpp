// Generated hidden states, the loads of a kind of text, and the fit of gates to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/input_error.h"
#include "models/router/bank/routing_report.h"
#include "models/router/kernel/router_kernel.h"
#include "models/router/tokens/gate_fit.h"
#include "models/router/tokens/token_generator.h"
#include "tests/models/router/router_models.h"

namespace moesim {
namespace {

RoutingCalibration plain_calibration() {
  RoutingCalibration calibration;
  calibration.num_topics = 8;
  calibration.vocabulary = 64;
  return calibration;
}

double dot(const float* a, const float* b, std::size_t n) {
  return std::inner_product(a, a + n, b, 0.0);
}

TEST(TokenGenerator, HiddenStatesHaveUnitRmsAndRememberTheirPredecessor) {
  RoutingCalibration calibration = plain_calibration();
  calibration.noise_correlation = {0.5, 0.5, 0.5};
  const TokenGenerator generator(calibration, 1024, {4, 16}, 1);
  ASSERT_EQ(generator.dimensions(), 1024);
  std::vector<float> states(4 * 16 * 1024);
  generator.hidden_states(0, 0.0, 0, 4, states.data());
  double product = 0;
  for (std::size_t t = 0; t < 64; ++t) {
    const float* row = states.data() + t * 1024;
    EXPECT_NEAR(dot(row, row, 1024), 1024, 1);
    if (t % 16 > 0) product += dot(row, row - 1024, 1024);
  }
  // A tenth of the length is the mean direction; half of the rest carries over.
  EXPECT_NEAR(product / (60 * 1024), 0.1 + 0.9 * 0.5, 0.02);
}

TEST(TokenGenerator, CarriedTokensHaveTheirPredecessorsState) {
  RoutingCalibration calibration = plain_calibration();
  calibration.carried = {0, 0, 0.4};
  const TokenGenerator generator(calibration, 128, {32, 32}, 1);
  std::vector<float> states(32 * 32 * 128);
  for (const double depth : {0.0, 1.0}) {
    generator.hidden_states(0, depth, 0, 32, states.data());
    double same = 0;
    for (std::size_t t = 1; t < 32 * 32; ++t) {
      const float* row = states.data() + t * 128;
      if (t % 32 > 0 && std::equal(row, row + 128, row - 128)) same += 1;
    }
    EXPECT_NEAR(same / (32 * 31), 0.4 * depth, 0.05);
  }
}

// The next layer's state shares the noise that lasts: here 0.9 of 0.9, and the mean direction.
TEST(TokenGenerator, LayersShareWhatLasts) {
  RoutingCalibration calibration = plain_calibration();
  calibration.persistent_noise = 0.9;
  calibration.carried = {0, 0, 0.3};  // Streams stay in step.
  calibration.noise_correlation = {0.3, 0.3, 0.3};
  const TokenGenerator generator(calibration, 1024, {8, 16}, 1);
  std::vector<float> one(8 * 16 * 1024), two(one.size());
  generator.hidden_states(0, 0.0, 0, 8, one.data());
  generator.hidden_states(1, 0.0, 0, 8, two.data());
  EXPECT_NEAR(dot(one.data(), two.data(), one.size()) / static_cast<double>(one.size()),
              0.1 + 0.9 * 0.9, 0.02);
  generator.hidden_states(1, 0.01, 0, 8, two.data());  // Hardly any token is carried.
  EXPECT_GT(dot(one.data(), two.data(), one.size()) / static_cast<double>(one.size()), 0.85);
}

TEST(TokenGenerator, OtherTextsHaveOtherTokensOfTheSameKind) {
  const RoutingCalibration calibration = plain_calibration();
  const TokenGenerator text(calibration, 256, {4, 16}, 1);
  const TokenGenerator other(calibration, 256, {4, 16}, 1, "other");
  EXPECT_NE(text.labels(), other.labels());
  EXPECT_EQ(text.mean_vector(), other.mean_vector());
  EXPECT_EQ(text.labels(), TokenGenerator(calibration, 4096, {4, 16}, 1).labels());
}

// Unit vectors of a wide model stay orthonormal among D effective dimensions, up to 1 / sqrt(D).
TEST(TokenGenerator, ProjectionKeepsAnglesBetweenRealGateRows) {
  RoutingCalibration calibration = plain_calibration();
  calibration.state_dimensions = 1024;
  const TokenGenerator generator(calibration, 4096, {1, 1}, 1);
  std::vector<float> rows(4 * 4096, 0.0F);
  for (std::size_t r = 0; r < 3; ++r) rows[r * 4096 + 7 * r] = 1;
  rows[3 * 4096] = rows[3 * 4096 + 7] = std::sqrt(0.5F);
  const std::vector<float> projected = generator.project({rows.data(), 4, 4096, 4096});
  ASSERT_EQ(projected.size(), 4U * 1024);
  const auto product = [&](std::size_t a, std::size_t b) {
    return dot(projected.data() + a * 1024, projected.data() + b * 1024, 1024);
  };
  for (std::size_t r = 0; r < 3; ++r) EXPECT_NEAR(product(r, r), 1, 1e-4);
  EXPECT_NEAR(product(0, 1), 0, 0.12);
  EXPECT_NEAR(product(0, 3), std::sqrt(0.5), 0.12);
  EXPECT_NEAR(product(3, 3), 1, 0.12);
}

// Routing by a gate of width H of states in D dimensions: loads that are not fitted (balance on other
// topics), repeats and co-activation do not depend on D. Seeds differ by as much.
TEST(EffectiveDimensions, ChangeNoStatisticOfTheRouting) {
  const ModelSpec model =
      made::router_model(made::biased_router(64, 6), "DeepseekV3ForCausalLM", 2, 4096);
  RoutingCalibration calibration = routing_calibration(model);
  const RoutingBank few = made::bank_of(model, calibration, 128);
  calibration.state_dimensions = 4096;
  const RoutingBank full = made::bank_of(model, calibration, 128);
  EXPECT_NE(few.ids, full.ids);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const auto at = static_cast<std::size_t>(layer);
    EXPECT_NEAR(made::loads_of(few)[at].gini, made::loads_of(full)[at].gini, 0.03);
    EXPECT_NEAR(repeat_rates(few, layer).first, repeat_rates(full, layer).first, 0.015);
    EXPECT_NEAR(repeat_rates(few, layer).any, repeat_rates(full, layer).any, 0.03);
    EXPECT_NEAR(coactivation_gain(few, layer), coactivation_gain(full, layer), 0.15);
  }
  EXPECT_GT(layer_affinity(few, 0), 1.4);
  EXPECT_GT(layer_affinity(full, 0), 1.4);
}

// Two domains of one collection, one of another.
RoutingCalibration counted_family() {
  RoutingCalibration family = plain_calibration();
  family.domain_spread = 0.5;
  family.domains = {{"sheets/law", {}, {{0.0, {2, 1, 0.5, 0.5}, {}}}},
                    {"sheets/art", {}, {{0.0, {0.5, 1, 2, 0.5}, {}}}},
                    {"prose", {"novels"}, {{0.0, {1.3, 0.9, 0.9, 0.9}, {2.5, 0.5, 0.5, 0.5}}}}};
  return family;
}

TEST(TextLoads, ListedDomainsAndWhatTheyStandForHaveTheirCounts) {
  for (const char* name : {"prose", "novels"}) {
    const TextLoads text = text_loads(counted_family(), name);
    ASSERT_EQ(text.shapes.size(), 1U);
    EXPECT_EQ(text.shapes[0].load_over_mean[0], 1.3);
    EXPECT_EQ(text.spread, 0);
  }
}

TEST(TextLoads, TheMixtureIsTheMeanOfEveryExpert) {
  const TextLoads text = text_loads(counted_family(), "");
  ASSERT_EQ(text.shapes.size(), 1U);
  const std::vector<double> mean = {3.8 / 3, 2.9 / 3, 3.4 / 3, 1.9 / 3};
  for (std::size_t e = 0; e < 4; ++e) EXPECT_NEAR(text.shapes[0].load_over_mean[e], mean[e], 1e-9);
}

// ln 2 - ln 1/2 between two domains for two of four experts that carry 1 each, 0 for the others:
// variance (2 ln 2)^2 / 2 for half of the geometric mean load.
TEST(TextLoads, AnUncountedDomainIsTypicalOfItsCollectionWithItsSpread) {
  const TextLoads text = text_loads(counted_family(), "sheets/music");
  const double log2 = std::log(2.0);
  const double weight = 2 / (1 + 1 + 1 + 0.5);
  EXPECT_NEAR(text.spread, std::sqrt(weight * 2 * log2 * log2), 1e-9);
  EXPECT_NEAR(text.shapes[0].load_over_mean[3], 0.5 * 4 / 3.5, 1e-9);
  // One domain alone has no spread of its own.
  EXPECT_EQ(text_loads(counted_family(), "speech").spread, 0.5);
  // Without any counts: even loads times the family's spread.
  RoutingCalibration uncounted = plain_calibration();
  uncounted.domain_spread = 0.7;
  EXPECT_EQ(text_loads(uncounted, "speech").spread, 0.7);
  EXPECT_TRUE(text_loads(uncounted, "").shapes.empty());
}

TEST(ExpertTargets, HaveMeanOneAndNoExpertTakesMoreThanEveryToken) {
  TextLoads text{"", "", {{0.0, {1, 30, 2, 0.5, 0.1}, {}}, {1.0, {1, 1, 1}, {}}}, 0};
  for (const double spread : {0.0, 1.0}) {
    text.spread = spread;
    for (const double depth : {0.0, 0.3, 1.0}) {
      RandomStream random(1, "targets");
      const std::vector<double> load = expert_targets(text, depth, 16, 4, random).load;
      EXPECT_NEAR(std::accumulate(load.begin(), load.end(), 0.0), 16, 0.2);
      EXPECT_TRUE(std::is_sorted(load.begin(), load.end(), std::greater<>()));
      EXPECT_LE(load.front(), 4);
    }
  }
}

TEST(ExpertTargets, OtherExpertCountsKeepTheShape) {
  RandomStream random(1, "targets");
  const TextLoads text{"", "", {lognormal_loads(0.3)}, 0};
  for (const std::int64_t experts : {32, 64, 256}) {
    const std::vector<double> load = expert_targets(text, 0.2, experts, 4, random).load;
    EXPECT_NEAR(load_statistics(load).gini, 0.3, 0.012) << experts;
  }
}

TEST(ExpertTargets, FirstChoicesStayWithTheirExpertAndEndWhereNobodyCounted) {
  RandomStream random(1, "targets");
  const TextLoads text{"", "", {{0.0, {0.5, 1.5}, {1.8, 0.2}}, {0.5, {0.5, 1.5}, {1.8, 0.2}}}, 0};
  const std::vector<double> first = expert_targets(text, 0.2, 2, 1, random).first;
  ASSERT_EQ(first.size(), 2U);
  EXPECT_NEAR(first[0], 0.2, 1e-9);  // Of the expert with the larger load.
  EXPECT_TRUE(expert_targets(text, 0.8, 2, 1, random).first.empty());
}

// Loads over the mean, of all choices and of first ones.
ExpertTargets loads_through(const MoeSpec& moe, std::vector<float> logits, const GateFit& fit) {
  const std::size_t experts = fit.scale.size();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = fit.scale[i % experts] * logits[i] + fit.offset[i % experts];
  }
  const std::size_t tokens = logits.size() / experts;
  const auto top_k = static_cast<std::size_t>(moe.top_k);
  std::vector<std::uint16_t> ids(top_k * tokens);
  route_logits(moe, logits, {}, {ids, {}});
  ExpertTargets loads{std::vector<double>(experts), std::vector<double>(experts)};
  const double mean = static_cast<double>(tokens) / static_cast<double>(experts);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    loads.load[ids[i]] += 1 / (mean * static_cast<double>(top_k));
    if (i % top_k == 0) loads.first[ids[i]] += 1 / mean;
  }
  return loads;
}

// Loads that known offsets and spreads make are made again, from them alone.
TEST(GateFit, FindsOffsetsAndSpreadsThatMakeTheLoads) {
  const MoeSpec moe = made::softmax_router(8, 2);
  RandomStream random(1, "logits");
  std::vector<float> logits(8 * 8192);
  for (float& logit : logits) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random.uniform();
    logit = static_cast<float>(sum);
  }
  const GateFit truth{{0.5F, 1, 1, 1.5F, 1, 0.7F, 1, 1}, {0.8F, 0, 0.3F, 0, -0.5F, 0, 0, -0.2F}};
  const ExpertTargets target = loads_through(moe, logits, truth);
  const GateFit fit = fit_gate(moe, logits, std::vector<float>(8, 1.0F), target);
  const ExpertTargets found = loads_through(moe, logits, fit);
  for (std::size_t e = 0; e < 8; ++e) {
    EXPECT_NEAR(found.load[e], target.load[e], 0.05 * target.load[e]);
    EXPECT_NEAR(found.first[e], target.first[e], 0.06 * target.first[e]);
  }
  // Without first choices the spreads are left alone.
  const GateFit plain = fit_gate(moe, logits, std::vector<float>(8, 1.0F), {target.load, {}});
  EXPECT_EQ(plain.scale, std::vector<float>(8, 1.0F));
  for (std::size_t e = 0; e < 8; ++e) {
    EXPECT_NEAR(loads_through(moe, logits, plain).load[e], target.load[e], 0.05 * target.load[e]);
  }
}

TEST(Calibration, AllFaultsAreReportedAtOnce) {
  const std::string text =
      "schema: 2\nfamilies:\n  - name: x\n    topic_share: [0.9, 0, 0]\n    colour: red\n"
      "    domains:\n      - name: y\n      - name: z\n        loads:\n          - depth: 0\n"
      "            load_over_mean: [0, 0]\n";
  try {
    read_calibration(text, "made.yaml");
    FAIL();
  } catch (const InputError& error) {
    const std::string what = error.what();
    for (const char* part : {"made.yaml:4", "colour", "noise_correlation", "balanced-default",
                             "no loads", "no load:", "carried"}) {
      EXPECT_NE(what.find(part), std::string::npos) << part << "\n" << what;
    }
  }
}

TEST(Calibration, EveryShippedFamilyHasParametersWithinTheirMeaning) {
  for (const RoutingCalibration& family : read_calibration(calibration_text(), "shipped")) {
    for (const double depth : {0.0, 0.5, 1.0}) {
      const StateMix mix = state_mix(family, depth);
      EXPECT_NEAR(mix.topic * mix.topic + mix.token * mix.token + mix.mean * mix.mean +
                      mix.noise * mix.noise,
                  1, 1e-5)
          << family.name;
    }
    EXPECT_TRUE(family.provenance == "calibrated" || family.provenance == "assumption");
    EXPECT_GT(family.source.size(), 20U);
  }
}

}  // namespace
}  // namespace moesim
