#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/input_error.h"
#include "sim/deployment/engine_profile.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

constexpr Bytes kLarge = Bytes(80e9), kSmall = Bytes(48e9);

std::string refusal(const std::string& words) {
  try {
    serving_policy(words, kLarge);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

// The text of a shipped file with one piece replaced, as a user's own file.
class UserEngine {
 public:
  UserEngine(const std::string& from, const std::string& what, const std::string& with)
      : file_("user-engine.yaml", changed(from, what, with)) {}
  std::string path() const { return file_.path(); }

 private:
  static std::string changed(const std::string& from, const std::string& what,
                             const std::string& with) {
    std::string text = read_file(data_folder("sim/engines") + "/" + from + ".yaml");
    return text.replace(text.find(what), what.size(), with);
  }

  TemporaryFile file_;
};

TEST(ServingPolicy, KnowsItsEngines) {
  EXPECT_EQ(engine_names(),
            (std::vector<std::string>{"llama.cpp", "mlx", "sglang", "tensorrt-llm", "vllm"}));
  EXPECT_EQ(serving_policy("sglang", kLarge).batching, batch_policy("prefill_first"));
  EXPECT_EQ(serving_policy("tensorrt-llm", kLarge).memory.pool, PoolRule::kFreeFraction);
  EXPECT_GT(serving_policy("vllm", kLarge).launch_factor, 1);
}

TEST(ServingPolicy, LlamaCppHasOneSlotAndFourFromTheUnifiedCacheOn) {
  EXPECT_EQ(serving_policy("llama.cpp b6918", kLarge).memory.max_num_seqs, 1);
  EXPECT_EQ(serving_policy("llama.cpp", kLarge).memory.max_num_seqs, 4);
  EXPECT_EQ(serving_policy("llama.cpp", kLarge).memory.pool, PoolRule::kContext);
  EXPECT_EQ(serving_policy("mlx", kLarge).memory.pool, PoolRule::kFreeFraction);
}

TEST(ServingPolicy, PicksTheRangeByReleaseOrMonth) {
  EXPECT_EQ(serving_policy("vllm 0.6.5", kLarge).memory.max_num_seqs, 256);
  EXPECT_EQ(serving_policy("vllm 0.8", kLarge).memory.max_num_seqs, 1024);
  EXPECT_EQ(serving_policy("vllm v0.12.0rc3", kLarge).release, "0.11");
  EXPECT_EQ(serving_policy("vllm 2026-03", kLarge).release, "0.14");
  EXPECT_EQ(serving_policy("vllm 2025-04", kLarge).memory.max_num_seqs, 1024);
  EXPECT_FALSE(serving_policy("vllm 0.13", kLarge).overlaps_host);
  EXPECT_TRUE(serving_policy("vllm 0.14", kLarge).overlaps_host);
}

// Files of users may be older than these keys.
TEST(ServingPolicy, AFileMayLeaveOutLaterKeys) {
  const std::string text = read_file(data_folder("sim/engines") + "/vllm.yaml");
  const std::size_t first = text.find("    fp4_width_multiple:");
  const std::size_t last = text.find("    random_sampling:");
  ASSERT_LT(first, last);
  const UserEngine older("vllm", text.substr(first, last - first), "");
  EXPECT_EQ(refusal(older.path()), "accepted");
  EXPECT_EQ(serving_policy(older.path(), kLarge).memory.fp4_width_multiple, 256);
}

TEST(ServingPolicy, ChargesSamplingByItsKind) {
  const ServingPolicy vllm = serving_policy("vllm", kLarge);
  EXPECT_EQ(sampling_bytes(vllm, Sampling::kGreedy), 18);
  EXPECT_GT(sampling_bytes(vllm, Sampling::kRandom), 18);
  EXPECT_GT(sampling_bytes(vllm, Sampling::kTopP), sampling_bytes(vllm, Sampling::kRandom));
}

TEST(ServingPolicy, KnowsReleasesBeforeGraphsAndWithAlignedExperts) {
  EXPECT_FALSE(serving_policy("vllm 0.2.1", kLarge).cuda_graphs);
  EXPECT_TRUE(serving_policy("vllm 0.2.7", kLarge).cuda_graphs);
  EXPECT_EQ(serving_policy("vllm 0.9", kLarge).expert_alignment, 0);
  EXPECT_EQ(serving_policy("vllm 0.12", kLarge).expert_alignment, 128);
  EXPECT_EQ(serving_policy("vllm 0.14", kLarge).expert_alignment, 0);
}

TEST(ServingPolicy, GivesSmallDevicesTheirOwnLimits) {
  EXPECT_EQ(serving_policy("vllm 0.9", kLarge).memory.max_batched_tokens, 8192);
  EXPECT_EQ(serving_policy("vllm 0.9", kSmall).memory.max_batched_tokens, 2048);
}

TEST(ServingPolicy, CarriesWhatEveryNumberRestsOn) {
  const ServingPolicy policy = serving_policy("vllm 0.8", kLarge);
  int limits = 0;
  for (const Fact& fact : policy.facts) {
    EXPECT_FALSE(fact.source.empty()) << fact.path;
    if (!fact.path.ends_with(".max_num_seqs")) continue;
    ++limits;
    EXPECT_EQ(fact.text, "1024");
  }
  EXPECT_EQ(limits, 1) << "a later range replaces the number of an earlier one";
}

TEST(ServingPolicy, SaysThatBuffersEnterMemoryAndHostTimeEntersTime) {
  std::map<std::string, Enters> enters;
  for (const Fact& fact : serving_policy("vllm 0.8", kLarge).facts) {
    enters[fact.path.substr(fact.path.rfind('.') + 1)] = fact.enters;
  }
  for (const char* key : {"sampler_bytes_per_logit", "context_memory", "communicator_memory"}) {
    EXPECT_EQ(enters.at(key), Enters::kMemory) << key;
  }
  EXPECT_EQ(enters.at("step_time"), Enters::kTime);
}

// Nobody doubts a flag that he sets himself; the host's time he may.
TEST(ServingPolicy, DrawsMeasurementsButNoSettings) {
  const ServingPolicy stated = serving_policy("vllm", kLarge);
  int drawn = 0;
  for (std::int64_t sample = 1; sample <= 5; ++sample) {
    const EngineProfile engine = load_engine("vllm", {7, sample, 5});
    const ServingPolicy policy = serving_policy(engine.releases.back(), kLarge);
    EXPECT_EQ(policy.memory.max_num_seqs, stated.memory.max_num_seqs);
    EXPECT_EQ(policy.memory.memory_utilization, stated.memory.memory_utilization);
    EXPECT_EQ(policy.memory.kv_block_tokens, stated.memory.kv_block_tokens);
    if (policy.request_time != stated.request_time) ++drawn;
  }
  EXPECT_GE(drawn, 4);

  const UserEngine doubtful("vllm", "{value: 0.9,", "{value: 0.9, range: [0.8, 0.95],");
  EXPECT_NE(refusal(doubtful.path()).find("a setting or a count has no range"), std::string::npos);
}

TEST(ServingPolicy, RefusesUnknownEnginesAndReleases) {
  EXPECT_EQ(refusal("llama"),
            "llama: unknown serving engine; did you mean llama.cpp? shipped: llama.cpp, mlx, "
            "sglang, tensorrt-llm, vllm");
  EXPECT_EQ(refusal("vllmm 0.8"),
            "vllmm: unknown serving engine; did you mean vllm? shipped: llama.cpp, mlx, sglang, "
            "tensorrt-llm, vllm");
  for (const char* release : {"newest", "2020-01", "-3"}) {
    EXPECT_NE(
        refusal(std::string("vllm ") + release).find("0.2 (from 2023-09), 0.2.7 (from 2024-01)"),
        std::string::npos)
        << release;
  }
}

TEST(ServingPolicy, ReadsAUsersFileByItsPath) {
  const UserEngine mine("sglang", "request_time:\n      {value: 110 ms",
                        "request_time:\n      {value: 90 ms");
  EXPECT_EQ(serving_policy(mine.path(), kLarge).request_time, Seconds(0.09));
  EXPECT_EQ(serving_policy(mine.path() + " 0.3", kLarge).release, "0.3");
  EXPECT_EQ(serving_policy(mine.path(), kLarge).engine, mine.path());
}

TEST(ServingPolicy, NamesEveryFaultOfAFile) {
  const UserEngine mine("vllm", "launch_factor:", "lunch_factor:");
  const std::string why = refusal(mine.path());
  EXPECT_NE(why.find("releases[0].launch_factor: missing"), std::string::npos) << why;
  EXPECT_NE(why.find("releases[0].lunch_factor"), std::string::npos) << why;
  const UserEngine late("vllm", "from: \"0.8\"", "from: \"0.3\"");
  EXPECT_NE(refusal(late.path()).find("a release after that of the range before"),
            std::string::npos);
}

// A file may say no more than a scenario may.
TEST(ServingPolicy, HasTheBoundsOfScenarios) {
  const UserEngine crowded("vllm", "{value: 256,", "{value: 65537,");
  EXPECT_NE(refusal(crowded.path()).find("a whole number from 1 to 65536 expected"),
            std::string::npos);
  const UserEngine halved("vllm", "{value: 256,", "{value: 256.5,");
  EXPECT_NE(refusal(halved.path()).find("256.5: a whole number"), std::string::npos);
}

}  // namespace
}  // namespace moesim
