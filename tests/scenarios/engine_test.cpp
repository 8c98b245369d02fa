// `engine:` of a case: its own words for the engine's numbers.
#include <gtest/gtest.h>

#include "scenarios/format/keys/engine_keys.h"
#include "sim/deployment/engine_keys.h"
#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

ServingPolicy served(const std::string& engine) {
  return read_text(kDense + "    engine: {" + engine + "}\n").cases.at(0).deployment.serving;
}

std::string meaning(const std::string& key) {
  return row_of(serving_keys(), key).facts.meaning;
}

TEST(Engine, BatchingPicksThePolicyOfThatName) {
  ASSERT_GE(batch_policies().size(), 2u);
  for (const BatchPolicy& policy : batch_policies()) {
    EXPECT_EQ(served(std::string("batching: ") + policy.word).batching, &policy);
    EXPECT_NE(meaning("batching").find(std::string(policy.word) + ": " + policy.meaning),
              std::string::npos);
  }
  EXPECT_STREQ(served("name: vllm").batching->word, "mixed");
  EXPECT_STREQ(served("name: sglang").batching->word, "prefill_first");
  EXPECT_STREQ(served("name: sglang, batching: mixed").batching->word, "mixed");
}

// What another value than the profile's does to the facts: nobody doubts his own number.
TEST(Engine, OwnNumbersTakeTheFactsWithThem) {
  const auto facts_about = [](const ServingPolicy& policy, const std::string& key) {
    std::size_t count = 0;
    for (const Fact& fact : policy.facts) count += fact.path.ends_with("." + key);
    return count;
  };
  const ServingPolicy stated = served("name: vllm");
  EXPECT_EQ(facts_about(stated, "step_time"), 1u);
  EXPECT_EQ(facts_about(served("step_time: 3 ms"), "step_time"), 0u);
  EXPECT_EQ(served("step_time: 3 ms").step_time, Seconds(3e-3));
  EXPECT_EQ(facts_about(served("step_time: 0 s"), "step_time"), 1u) << "says what the profile says";
}

TEST(Engine, KeysAreRefusedBeyondTheirBounds) {
  const auto fault = [](const std::string& engine) {
    return refusal(kDense + "    engine: {" + engine + "}\n");
  };
  EXPECT_EQ(
      fault("max_num_seqs: 65537"),
      "s.yaml:10: cases.a.engine.max_num_seqs: 65537: a whole number from 1 to 65536 expected");
  EXPECT_EQ(fault("step_time: 2 min"),
            "s.yaml:10: cases.a.engine.step_time: 2 min: at most 60 s expected");
  EXPECT_NE(fault("max_num_seq: 8").find("did you mean max_num_seqs?"), std::string::npos);
  EXPECT_NE(fault("sampler_bytes_per_logit: 8").find("unknown key"), std::string::npos)
      << "of engine files only";
}

// The share of memory is of another thing in each engine; the rate of expert kernels is a rate.
TEST(Engine, KeysSayWhatTheCodeDoes) {
  EXPECT_NE(meaning("expert_factor").find("rate of expert kernels"), std::string::npos);
  for (const char* engine : {"vLLM", "SGLang", "TensorRT-LLM"}) {
    EXPECT_NE(meaning("memory_utilization").find(engine), std::string::npos) << engine;
  }
}

}  // namespace
}  // namespace moesim
