// A table of keys reads maps, refuses what its rows do not allow, and writes what it has read.
#include "base/keys.h"

#include <gtest/gtest.h>

#include "base/dtype.h"
#include "base/units.h"

namespace moesim {
namespace {

struct Limits {
  std::int64_t seqs = 256;
};

struct Engine {
  Limits limits;
  double share = 0.5;
  bool chunks = true;
  Dtype format = Dtype::kBf16;
  Seconds step{0.25};
  std::optional<Seconds> horizon;
  std::string domain;
};

const Keys<Engine>& engine_keys() {
  static const Keys<Engine> keys = {
      key(path(&Engine::limits, &Limits::seqs), "seqs", form::Whole{1, 1024}, kAsBuilt,
          "Sequences at once"),
      key(&Engine::share, "share", form::Number{0, 1}, kAsBuilt, "Share"),
      key(&Engine::chunks, "chunks", form::Flag{}, otherwise("the engine's"), "Chunks"),
      key(&Engine::format, "format", form::Word<Dtype>{}, by_default("bf16"), "Format"),
      key(&Engine::step, "step", form::Quantity{Dimension::kTime, 60, "60 s"}, kAsBuilt, "Step"),
      key(&Engine::horizon, "horizon", form::Quantity{Dimension::kTime}, otherwise("none"), "End"),
      only_if_set(key(&Engine::domain, "domain", form::Text{}, otherwise("none"), "Kind of text",
                      {"with chunks",
                       [](const Engine& engine) {
                         return engine.chunks ? "" : std::string("goes with chunks only");
                       }})),
      key("by_hand", form::Values{}, otherwise("none"), "Read by code of its own"),
  };
  return keys;
}

std::vector<std::string> faults_of(const std::string& text, Engine& engine) {
  Faults faults;
  MapReader map(Value(YAML::Load(text), "f.yaml", "engine", &faults));
  read_keys(map, engine_keys(), engine);
  map.done();
  std::vector<std::string> lines;
  for (const Fault& fault : faults.all()) lines.push_back(fault.text());
  return lines;
}

TEST(Keys, ReadWhatAMapGivesAndLeaveTheRest) {
  Engine engine;
  EXPECT_EQ(faults_of("{seqs: 8, format: fp8, step: 20 ms, horizon: 2 min, by_hand: [1]}", engine),
            std::vector<std::string>{});
  EXPECT_EQ(engine.limits.seqs, 8);
  EXPECT_EQ(engine.format, Dtype::kFp8);
  EXPECT_EQ(engine.step, Seconds(0.02));
  EXPECT_EQ(engine.horizon, Seconds(120));
  EXPECT_EQ(engine.share, 0.5);
  EXPECT_TRUE(engine.chunks);
}

TEST(Keys, RefuseWhatTheirFormsDoNotAllow) {
  Engine engine;
  EXPECT_EQ(faults_of("seqs: 0\nshare: 2\nchunks: perhaps\nstep: 2 min\nformat: fp9\n", engine),
            (std::vector<std::string>{
                "f.yaml:1: engine.seqs: 0: a whole number from 1 to 1024 expected",
                "f.yaml:2: engine.share: 2: a number from 0 to 1 expected",
                "f.yaml:3: engine.chunks: perhaps: true or false expected",
                "f.yaml:5: engine.format: fp9: one of fp32, bf16, fp16, fp8, fp4, int8, int4 "
                "expected; did you mean fp8?",
                "f.yaml:4: engine.step: 2 min: at most 60 s expected"}));
  EXPECT_EQ(engine.limits.seqs, 256);
  EXPECT_EQ(engine.step, Seconds(0.25));
}

TEST(Keys, RefuseAKeyThatHasNoEffect) {
  Engine engine;
  EXPECT_EQ(faults_of("{domain: code, chunks: false}", engine),
            std::vector<std::string>{"f.yaml:1: engine.domain: given: goes with chunks only"});
}

TEST(Keys, KnowTheKeysThatOtherCodeReads) {
  Engine engine;
  EXPECT_EQ(faults_of("{by_hnd: 1}", engine),
            std::vector<std::string>{
                "f.yaml:1: engine.by_hnd: by_hnd: unknown key; did you mean by_hand?"});
}

TEST(Keys, GoToTheCodeThatReadsThemInTheOrderOfTheTable) {
  Engine engine;
  Faults faults;
  std::size_t entries = 0;
  const KeyMap<Engine> map{"{seqs: 8}", engine_keys()};
  const auto read = [&](const std::string& text) {
    return read_map(Value(YAML::Load(text), "f.yaml", "engine", &faults), map, engine,
                    {{"by_hand", [&](const std::optional<Value>& value) {
                        entries = value ? value->items().size() : 0;
                      }}});
  };
  EXPECT_TRUE(read("{by_hand: [1, 2], seqs: 9}"));
  EXPECT_EQ(entries, 2u);
  EXPECT_EQ(engine.limits.seqs, 9);
  EXPECT_TRUE(faults.empty());
  EXPECT_FALSE(read("7"));
  EXPECT_EQ(faults.all().at(0).allowed, "a map such as {seqs: 8} expected");
}

TEST(Keys, ThatAMapGivesAreTakenOverAlone) {
  Engine given, other;
  other.share = 0.25;
  Faults faults;
  MapReader map(Value(YAML::Load("{seqs: 8}"), "f.yaml", "", &faults));
  copy_keys(read_keys(map, engine_keys(), given), given, other);
  EXPECT_EQ(other.limits.seqs, 8);
  EXPECT_EQ(other.share, 0.25);
}

TEST(Keys, KnowWhichNumberIsBeyondItsBounds) {
  Engine engine;
  EXPECT_EQ(bounds_fault(engine_keys(), engine), "");
  engine.limits.seqs = 0;
  EXPECT_EQ(bounds_fault(engine_keys(), engine), "seqs must be 1 to 1024");
  engine.limits.seqs = 1;
  engine.share = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(bounds_fault(engine_keys(), engine), "share must be 0 to 1");
}

TEST(Keys, WriteWhatTheyReadInTheOrderOfTheTable) {
  Engine engine;
  engine.limits.seqs = 8;
  engine.step = Seconds(0.02);
  YAML::Node node;
  write_keys(engine_keys(), engine, node);
  EXPECT_EQ(YAML::Dump(node), "seqs: 8\nshare: 0.5\nchunks: true\nformat: bf16\nstep: 0.02 s");
}

TEST(Keys, SayTheDefaultsOfTheirObjects) {
  EXPECT_EQ(row_of(engine_keys(), "seqs").facts.fallback.text, "256");
  EXPECT_EQ(row_of(engine_keys(), "share").facts.fallback.text, "0.5");
  EXPECT_EQ(row_of(engine_keys(), "step").facts.fallback.text, "0.25 s");
  EXPECT_EQ(row_of(engine_keys(), "chunks").facts.fallback.kind, Default::Kind::kWords);
}

}  // namespace
}  // namespace moesim
