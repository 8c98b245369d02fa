// A document that is changed from point to point reads as one that was parsed anew for each.
#include "scenarios/sweep/point_document.h"

#include <gtest/gtest.h>

namespace moesim {
namespace {

constexpr const char* kText =
    "workload: {requests: {poisson: 8/s}}\n"
    "cases:\n"
    "  - {name: moe, model: deepseek-v3, parallel: {ep: 16}}\n"
    "values: [4, 8, {name: x, top_k: 1}, {name: y}]\n";

using Changes = std::vector<PointDocument::Change>;

std::string text(const YAML::Node& node) {
  YAML::Emitter out;
  out << node;
  return out.c_str();
}

std::string parsed_anew(const Changes& changes) {
  YAML::Node root = parse_document(kText, "s.yaml");
  Faults faults;
  for (const auto& change : changes) {
    set_path(root, change.path, YAML::Clone(change.value), "s.yaml", change.line, faults);
  }
  return text(root);
}

class PointDocuments : public testing::Test {
 protected:
  YAML::Node value(std::size_t i) const { return values_["values"][i]; }
  void expect_as_new(const Changes& changes) {
    Faults faults;
    EXPECT_EQ(text(document_.with(changes, faults)), parsed_anew(changes));
    EXPECT_TRUE(faults.empty());
  }

  YAML::Node values_ = parse_document(kText, "s.yaml");
  PointDocument document_{parse_document(kText, "s.yaml"), "s.yaml"};
};

TEST_F(PointDocuments, ReadAsParsedAnewWhateverWasBefore) {
  const Changes both = {{"moe.model.top_k", value(0)}, {"moe.parallel.ep", value(1)}};
  const Changes swapped = {{"moe.model.top_k", value(1)}, {"moe.parallel.ep", value(0)}};
  const Changes other = {{"moe.parallel.ep", value(0)}, {"workload.requests.poisson", value(1)}};
  for (const Changes& changes : {both, swapped, Changes{}, other, both, other, Changes{}, both}) {
    expect_as_new(changes);
  }
}

// The model of the first point must not keep the top_k that a later point puts into it.
TEST_F(PointDocuments, WhatLiesInsideAChangedValueDoesNotStay) {
  const auto model = [&](std::size_t i) { return PointDocument::Change{"moe.model", value(i)}; };
  const PointDocument::Change top_k = {"moe.model.top_k", value(1)};
  for (const Changes& changes : {Changes{model(2), top_k}, Changes{model(3), top_k},
                                 Changes{model(2)}, Changes{model(3)}, Changes{}}) {
    expect_as_new(changes);
  }
}

TEST_F(PointDocuments, KeepTheLinesOfTheFile) {
  Faults faults;
  const YAML::Node& root = document_.with({{"moe.model.top_k", value(0), 4}}, faults);
  EXPECT_EQ(root["cases"][0]["model"]["top_k"].Mark().line, 3);
  EXPECT_EQ(root["cases"][0]["parallel"]["ep"].Mark().line, 2);
}

TEST_F(PointDocuments, APathThatLeadsNowhereIsAFaultAtEveryPoint) {
  for (const int line : {5, 6}) {
    Faults faults;
    document_.with({{"workload.requests.poisson.x", value(0), line}}, faults);
    ASSERT_EQ(faults.all().size(), 1u);
    EXPECT_EQ(faults.all()[0].line, line);
  }
}

}  // namespace
}  // namespace moesim
