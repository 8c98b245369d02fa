#include "scenarios/sweep/paths.h"

#include <gtest/gtest.h>

namespace moesim {
namespace {

YAML::Node document() {
  return parse_document(
      "schema: 1\n"
      "workload: {requests: {poisson: 8/s}}\n"
      "cases:\n"
      "  - {name: moe, model: deepseek-v3, parallel: {ep: 16}}\n"
      "  - {name: dense, model: llama-2-70b}\n",
      "s.yaml");
}

std::string fault_of(const std::string& path) {
  YAML::Node root = document();
  Faults faults;
  set_path(root, path, YAML::Node(1), "s.yaml", 9, faults);
  return faults.empty() ? "" : InputError(faults.all()).what();
}

TEST(SetPath, ReachesIntoACaseByItsName) {
  YAML::Node root = document();
  Faults faults;
  set_path(root, "moe.parallel.ep", YAML::Node(8), "s.yaml", 1, faults);
  set_path(root, "cases.dense.parallel.tp", YAML::Node(4), "s.yaml", 1, faults);
  EXPECT_TRUE(faults.empty());
  EXPECT_EQ(root["cases"][0]["parallel"]["ep"].as<int>(), 8);
  EXPECT_EQ(root["cases"][1]["parallel"]["tp"].as<int>(), 4);
}

TEST(SetPath, APlainModelNameBecomesAMap) {
  YAML::Node root = document();
  Faults faults;
  set_path(root, "moe.model.top_k", YAML::Node(4), "s.yaml", 1, faults);
  EXPECT_EQ(root["cases"][0]["model"]["name"].Scalar(), "deepseek-v3");
  EXPECT_EQ(root["cases"][0]["model"]["top_k"].as<int>(), 4);
}

TEST(SetPath, TopLevelKeysConcernAllCases) {
  YAML::Node root = document();
  Faults faults;
  set_path(root, "workload.requests.poisson", YAML::Node("9/s"), "s.yaml", 1, faults);
  EXPECT_EQ(root["workload"]["requests"]["poisson"].Scalar(), "9/s");
  EXPECT_EQ(case_of_path(root, "workload.requests.poisson"), "");
  EXPECT_EQ(case_of_path(root, "moe.model.top_k"), "moe");
}

TEST(SetPath, ASlipGetsASuggestion) {
  EXPECT_EQ(
      fault_of("mo.model.top_k"),
      "s.yaml:9: mo.model.top_k: 1: no case or top-level key is called \"mo\"; did you mean moe?");
  EXPECT_EQ(fault_of("schema.x"),
            "s.yaml:9: schema.x: 1: \"schema\" is no map, so it has no \"x\"");
  EXPECT_NE(fault_of("moe"), "");
  EXPECT_NE(fault_of("moe..ep"), "");
}

}  // namespace
}  // namespace moesim
