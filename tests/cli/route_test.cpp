// `moesim route` as a user meets it: tables, JSON, a page, and ids that go out and come back.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/outcome.h"

namespace moesim {
namespace {

using nlohmann::json;

json json_of(const Workplace& place, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"route", "olmoe-1b-7b"});
  arguments.push_back("--json");
  const Outcome outcome = place.run(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return json::parse(outcome.out);
}

TEST(Route, PrintsALineALayer) {
  const Workplace place;
  const Outcome outcome = place.run({"route", "olmoe-1b-7b", "--tokens", "balanced"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "64 experts, top-8"));
  EXPECT_TRUE(contains(outcome.out, "\n   15 "));  // 16 layers.
  EXPECT_EQ(place.names(), std::vector<std::string>{});
}

TEST(Route, ItsJsonHasTheNumbersOfTheTableWithUnitsInTheKeys) {
  const Workplace place;
  const json card = json_of(place, {"--tokens", "balanced"});
  EXPECT_EQ(card.at("tokens"), 4096);
  EXPECT_EQ(card.at("top_k"), 8);
  EXPECT_EQ(card.at("basis"), "baseline");
  ASSERT_EQ(card.at("layers").size(), 16u);
  for (const json& layer : card.at("layers")) {
    EXPECT_NEAR(layer.at("load_max_over_mean"), 1, 1e-12);
    EXPECT_NEAR(layer.at("load_gini"), 0, 1e-12);
    EXPECT_NEAR(layer.at("load_entropy"), 1, 1e-12);
    EXPECT_EQ(layer.at("unused_experts_share"), 0);
  }
}

TEST(Route, IdsThatWereExportedComeBackAsTheSameLoads) {
  const Workplace place;
  const json made = json_of(place, {"--out", "ids.npy", "--seed", "3"});
  const json read = json_of(place, {"--trace", "ids.npy"});
  EXPECT_EQ(made.at("basis"), "calibrated");
  EXPECT_EQ(read.at("basis"), "recorded");
  EXPECT_EQ(made.at("expert_load"), read.at("expert_load"));
  for (std::size_t i = 0; i < made.at("layers").size(); ++i) {
    EXPECT_EQ(made.at("layers")[i], read.at("layers")[i]);
  }
}

TEST(Route, SpreadsTheExpertsOverRanks) {
  const Workplace place;
  const json linear = json_of(place, {"--ep", "8", "--nodes", "2"}).at("expert_parallel");
  EXPECT_EQ(linear.at("ranks"), 8);
  EXPECT_EQ(linear.at("dispatch").size(), 4u);
  const json normal = linear.at("dispatch")[0];
  EXPECT_EQ(normal.at("mode"), "normal");
  // At most one copy to the other node, and to no more than the 7 other ranks in all.
  EXPECT_LE(normal.at("copies_between_nodes").get<double>(), 1);
  EXPECT_GT(normal.at("copies_between_nodes").get<double>(), 0.9);
  EXPECT_LE(normal.at("copies_inside_nodes").get<double>(), 6);
  double sum = 0;
  for (const json& row : linear.at("dispatch_bytes_per_token")) {
    for (const json& bytes : row) sum += bytes.get<double>();
  }
  EXPECT_NEAR(sum, 16 * normal.at("dispatch_bytes").get<double>(), 1e-6 * sum);
  const json eplb = json_of(place, {"--ep", "8", "--placement", "eplb", "--redundant", "16"});
  EXPECT_LT(eplb.at("expert_parallel").at("overload_mean").get<double>(),
            linear.at("overload_mean").get<double>());
}

TEST(Route, RoutesTheSameTokensToOtherNumbersOfExperts) {
  const Workplace place;
  const json card = json_of(place, {"--experts", "32", "--top-k", "2"});
  EXPECT_EQ(card.at("experts"), 32);
  EXPECT_EQ(card.at("top_k"), 2);
  EXPECT_EQ(card.at("expert_load")[0].size(), 32u);
}

TEST(Route, ShowsTheTrainingOfAGate) {
  const Workplace place;
  const Outcome outcome = place.run({"route", "mixtral-8x7b", "--train", "steps=200", "--train",
                                     "bias_rate=0.01", "--json", "--html", "page.html"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const json card = json::parse(outcome.out);
  EXPECT_EQ(card.at("basis"), "trained");
  ASSERT_GT(card.at("training").size(), 1u);
  EXPECT_EQ(card.at("training").back().at("step"), 200);
  const std::string page = place.read("page.html");
  EXPECT_TRUE(contains(page, "chart-training-load"));
  EXPECT_TRUE(contains(page, "default-src 'none'"));
}

TEST(RouteRefusal, NamesModelOptionAndRemedy) {
  const Workplace place;
  const auto refuse = [&](std::vector<std::string> arguments, const std::string& part) {
    arguments.insert(arguments.begin(), "route");
    expect_refusal(place, arguments, 1, part);
  };
  refuse({"qwen3-8b"}, "a dense model has no router");
  refuse({"olmoe-1b-7"}, "model: olmoe-1b-7: did you mean olmoe-1b-7b? no such model");
  refuse({"olmoe-1b-7b", "--trace", "none.npy"}, "router.trace: none.npy: cannot be opened");
  refuse({"olmoe-1b-7b", "--trace", "x.npy", "--domain", "code"}, "router.domain: given: domain");
  refuse({"olmoe-1b-7b", "--gate", "none.safetensors"},
         "router.gate: none.safetensors: cannot be opened");
  refuse({"olmoe-1b-7b", "--train", "aux_los=1"}, "aux_los: unknown key; did you mean aux_loss?");
  refuse({"olmoe-1b-7b", "--train", "aux_loss"}, "--train: aux_loss: key=value expected");
  refuse({"olmoe-1b-7b", "--set", "score=x"}, "router.score: x: one of softmax");
  refuse({"olmoe-1b-7b", "--set", "num_groups=3"}, "router.num_groups: 3: must divide");
  refuse({"olmoe-1b-7b", "--top-k", "65"}, "top_k: 65: at most the 64 experts");
  refuse({"olmoe-1b-7b", "--ep", "3"}, "--ep: 3: must divide the model's 64 experts");
  refuse({"olmoe-1b-7b", "--ep", "8", "--nodes", "3"}, "--nodes: 3: must divide the 8 ranks");
  refuse({"olmoe-1b-7b", "--ep", "8", "--redundant", "8"}, "--redundant: 8: must be 0 unless");
  refuse({"olmoe-1b-7b", "--tokens", "balanced", "--html", "/proc/none/x.html"},
         "--html: /proc/none/x.html: a file that can be written expected");
  expect_refusal(place, {"route", "olmoe-1b-7b", "--tokens", "x"}, 2, "--tokens");
  expect_refusal(place, {"route", "olmoe-1b-7b", "--ep", "0"}, 2, "--ep");
}

}  // namespace
}  // namespace moesim
