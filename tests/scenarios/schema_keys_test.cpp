// The reference of keys leaves none out and says all of each; the committed page is what it prints.
#include "scenarios/format/schema/schema_keys.h"

#include <gtest/gtest.h>

#include "base/document.h"

namespace moesim {
namespace {

const SchemaKey* find(const std::string& path, const std::string& name) {
  static const std::vector<SchemaSection> sections = schema_sections();
  for (const SchemaSection& section : sections) {
    if (section.path != path) continue;
    for (const SchemaKey& key : section.keys) {
      if (key.name == name) return &key;
    }
  }
  return nullptr;
}

TEST(SchemaKeys, EveryKeyHasMeaningValueAndDefault) {
  std::size_t keys = 0;
  for (const SchemaSection& section : schema_sections()) {
    EXPECT_NE(section.meaning, "") << section.path;
    for (const SchemaKey& key : section.keys) {
      const std::string where = section.path + "." + key.name;
      EXPECT_GE(key.meaning.size(), 4u) << where;
      EXPECT_NE(key.type, "") << where;
      EXPECT_NE(key.otherwise, "") << where;
      EXPECT_EQ(key.meaning.find("(default"), std::string::npos) << where;
      EXPECT_EQ((key.meaning + key.type + key.otherwise).find('|'), std::string::npos) << where;
      ++keys;
    }
  }
  EXPECT_GE(keys, 120u);
}

TEST(SchemaKeys, SayWhatTheSchemaSays) {
  const SchemaKey* nodes = find("cases[].cluster", "nodes");
  ASSERT_NE(nodes, nullptr);
  EXPECT_EQ(nodes->type, "whole number from 1 to 100,000");
  EXPECT_EQ(nodes->otherwise, "`1`");
  const SchemaKey* horizon = find("workload", "horizon");
  ASSERT_NE(horizon, nullptr);
  EXPECT_EQ(horizon->type, "a time with unit, e.g. 50 ms, 2 s or 10 min, up to 3650 days");
  EXPECT_EQ(horizon->meaning, "When the simulation ends");
  EXPECT_EQ(
      horizon->otherwise,
      "poisson and closed_loop go on until the figures are precise, others until all requests are "
      "answered");
  const SchemaKey* model = find("cases[]", "model");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->type, "name or path, or map");
  EXPECT_EQ(model->otherwise, "required");
  const SchemaKey* kv = find("cases[].dtype", "kv");
  ASSERT_NE(kv, nullptr);
  EXPECT_EQ(kv->type, "`fp32`, `bf16`, `fp16`, `fp8`, `fp4`, `int8`, `int4`");
  EXPECT_EQ(kv->otherwise, "as published, else bf16");
}

TEST(SchemaKeys, NameWhereAMapIsDescribedThatStandsInSeveralPlaces) {
  const SchemaKey* common = find("", "quality");
  const SchemaKey* own = find("cases[]", "quality");
  ASSERT_NE(common, nullptr);
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->type, "map");
  EXPECT_EQ(common->type, "map, as `cases[].quality`");
  EXPECT_EQ(find("quality", "training_tokens"), nullptr);
  EXPECT_NE(find("cases[].quality", "training_tokens"), nullptr);
}

TEST(SchemaKeys, ThePageInDocsIsWhatIsPrinted) {
  EXPECT_EQ(read_file("docs/keys.md"), keys_markdown()) << "python3 docs/quotes.py --write";
}

}  // namespace
}  // namespace moesim
