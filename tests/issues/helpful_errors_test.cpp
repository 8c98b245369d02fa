// Errors that did not help a planner: ids of the Hugging Face hub were "no such file", a GPU's name
// gave 47 names, keys of other programs a list of keys, gb200-nvl72 without a layout a fault in a
// width that nobody had written.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/document.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"
#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string of_model(const std::string& model) {
  return refusal(changed(kDense, "qwen3-8b", model));
}

std::string of_cluster(const std::string& cluster) {
  return refusal(changed(kDense, "{node: dgx-h100}", cluster));
}

TEST(HelpfulErrors, AnIdOfTheHubIsTheModelOfTheCatalog) {
  for (const char* id : {"Qwen/Qwen3-8B", "qwen/qwen3-8b", "Qwen3-8B", "qwen3-8b"}) {
    EXPECT_EQ(load_model(id).name, "qwen3-8b") << id;
  }
  EXPECT_EQ(load_model("meta-llama/Llama-3.1-70B-Instruct").name, "llama-3.1-70b");
  const Scenario scenario = read_text(changed(kDense, "qwen3-8b", "Qwen/Qwen3-8B"));
  EXPECT_TRUE(says(scenario.resolved, "name: qwen3-8b\n")) << scenario.resolved;
}

TEST(HelpfulErrors, EveryIdOfTheHubIsOfAModelThatThereIs) {
  const std::string path = "models/catalog/hub_ids.yaml";
  const std::vector<std::string> names = catalog_names();
  for (const auto& entry : parse_document(read_file(path), path)) {
    EXPECT_EQ(std::count(names.begin(), names.end(), entry.first.Scalar()), 1) << entry.first;
    for (const auto& id : entry.second) {
      EXPECT_EQ(known_model(id.Scalar()), entry.first.Scalar()) << id.Scalar();
    }
  }
}

TEST(HelpfulErrors, AnUnknownModelGivesTheThreeNearest) {
  EXPECT_TRUE(says(of_model("llama-3-405b"), "did you mean llama-3.1-405b"))
      << of_model("llama-3-405b");
  EXPECT_TRUE(says(of_model("Qwen/Qwen3-8B-FP8"), "did you mean qwen3-8b"))
      << of_model("Qwen/Qwen3-8B-FP8");
  EXPECT_FALSE(says(of_model("nonsense"), "snowflake-arctic"));
  EXPECT_TRUE(says(of_model("nonsense"), "moesim list models"));
}

TEST(HelpfulErrors, ADeviceLeadsToItsNodes) {
  const std::string nodes = "dgx-h200 (8 x h200-sxm-141gb)";
  for (const char* given : {"H200", "h200-sxm-141gb", "8xH200", "8 x H200", "NVIDIA H200"}) {
    const std::string text = of_cluster("{node: " + std::string(given) + "}");
    EXPECT_TRUE(says(text, nodes)) << text;
    EXPECT_FALSE(says(text, "gh200")) << text;
  }
  EXPECT_TRUE(says(of_cluster("{node: rtx4090}"), "workstation-rtx-4090 (1 x rtx-4090-24gb)"));
  EXPECT_EQ(nearest("h200", {"gh200", "h200-nvl-8x", "dgx-h200", "dgx-h100"}),
            (std::vector<std::string>{"dgx-h200", "h200-nvl-8x", "gh200"}));
}

TEST(HelpfulErrors, AKeyOfAFeatureThatIsNotModelledSaysSo) {
  EXPECT_TRUE(says(refusal(kDense + "    engine: {prefix_cache: true}\n"),
                   "prefix_cache: prefix caching is not modelled"));
  EXPECT_TRUE(says(refusal(kDense + "    engine: {speculative: {tokens: 3}}\n"),
                   "speculative decoding and multi-token prediction are not modelled"));
  EXPECT_TRUE(says(refusal(kDense + "    quantization: fp8\n"), "here it is dtype"));
  EXPECT_TRUE(says(of_cluster("{gpus: 8}"), "moesim list hardware"));
  EXPECT_TRUE(says(refusal(kDense + "    parallel: {tensor_parallel_size: 8}\n"), "{tp: ...}"));
}

// 72 devices, and 32 heads: 8 divide both.
TEST(HelpfulErrors, ALayoutThatIsLeftOutIsLegal) {
  const Scenario scenario = read_text(changed(kDense, "dgx-h100", "gb200-nvl72"));
  EXPECT_EQ(scenario.cases.at(0).deployment.plan.tp, 8);
  EXPECT_EQ(scenario.cases.at(0).deployment.plan.replicas, 9);
  EXPECT_TRUE(says(scenario.resolved, "tp: 8\n")) << scenario.resolved;
  EXPECT_EQ(read_text(kDense).cases.at(0).deployment.plan.tp, 8);
  const Scenario halves = read_text(kDense + "    parallel: {replicas: 2}\n");
  EXPECT_EQ(halves.cases.at(0).deployment.plan.tp, 4);
}

TEST(HelpfulErrors, EveryModelHasALayoutOnEveryNode) {
  for (const std::string& node : profile_names("nodes")) {
    const std::string on_node = changed(kDense, "dgx-h100", node);
    for (const char* model : {"qwen3-8b", "deepseek-v3", "gpt-oss-120b", "qwen3-next-80b-a3b"}) {
      EXPECT_EQ(refusal(changed(on_node, "qwen3-8b", model)), "") << model << " on " << node;
    }
  }
}

// moe_tp follows from tp: 16 experts' columns of 768 divide, 3 ranks of 8 devices do not.
TEST(HelpfulErrors, AWidthThatFollowsFromAnotherHasNoMessageOfItsOwn) {
  const std::string text = refusal(kMoe + "    parallel: {tp: 5}\n");
  EXPECT_TRUE(says(text, "parallel.tp: 5")) << text;
  EXPECT_FALSE(says(text, "moe_tp: ")) << text;
  EXPECT_FALSE(says(text, "replicas: ")) << text;
}

TEST(HelpfulErrors, AWidthOfTwoNodesSaysSo) {
  const std::string text = refusal(kDense + "    parallel: {tp: 16}\n");
  EXPECT_TRUE(says(text, "it needs 2 nodes: set cluster.nodes: 2")) << text;
}

TEST(HelpfulErrors, AnotherCurrencyIsNamed) {
  const std::string text = refusal(kDense + "    rent_per_device: 2.5 EUR/h\n");
  EXPECT_TRUE(says(text, "USD is the only currency")) << text;
}

}  // namespace
}  // namespace moesim
