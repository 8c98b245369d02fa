// Releases that do not exist were taken in silence, later ones were computed as the newest without
// a word, and old ones like new ones. Expert kernels were padded on every vendor, in every step.
#include <gtest/gtest.h>

#include "base/document.h"
#include "base/input_error.h"
#include "hardware/read/profiles.h"
#include "sim/deployment/engine_profile.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

constexpr Bytes kLarge = Bytes(80e9);

ServingPolicy policy(const std::string& words) {
  return serving_policy(words, kLarge);
}

std::string refusal(const std::string& words) {
  try {
    policy(words);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(EngineReleases, ThoseThatNeverWereAreRefused) {
  for (const char* words : {"vllm 9.9", "vllm 1.0", "vllm 0.8.9", "vllm 0.1.7", "sglang 0.4.11",
                            "tensorrt-llm 0.22", "tensorrt-llm 2.0", "mlx 99"}) {
    EXPECT_NE(refusal(words).find("there is no release"), std::string::npos) << words;
  }
  for (const char* words : {"vllm 2025-13", "sglang 2025-00"}) {
    EXPECT_NE(refusal(words).find("no such month"), std::string::npos) << words;
  }
  for (const char* words : {"vllm 2020-01", "vllm latest", "sglang 2024-01"}) {
    EXPECT_NE(refusal(words).find("no release of"), std::string::npos) << words;
  }
}

TEST(EngineReleases, ARefusalNamesThoseThatExist) {
  const std::string why = refusal("vllm 0.8.9");
  EXPECT_NE(why.find("0.8 to 0.8.5"), std::string::npos) << why;
}

TEST(EngineReleases, MeasuredOnesNeedNoWord) {
  for (const char* words :
       {"vllm", "vllm 0.11", "vllm 0.12.0", "vllm 0.19.0", "vllm 2026-03", "sglang", "sglang 0.5",
        "sglang 0.5.6.post2", "tensorrt-llm", "tensorrt-llm 1.2.0rc6.post3", "tensorrt-llm 0.17"}) {
    EXPECT_EQ(policy(words).caution, "") << words;
  }
}

TEST(EngineReleases, OthersAreComputedWithAWord) {
  EXPECT_NE(policy("vllm 0.31").caution.find("newer than 0.29"), std::string::npos);
  EXPECT_NE(policy("vllm 2030-01").caution.find("newer than 0.29"), std::string::npos);
  EXPECT_NE(policy("vllm 0.29").caution.find("releases 0.11 to 0.19"), std::string::npos);
  EXPECT_NE(policy("sglang 2025-02").caution.find("releases 0.5.1 to 0.5.10"), std::string::npos);
}

// A resolved scenario says it by this name.
TEST(EngineReleases, ReadTheSameAgainByTheNameOfTheirPolicy) {
  for (const std::string words :
       {"vllm", "vllm 0.9", "vllm 0.12", "vllm 0.31", "sglang 0.5.6", "tensorrt-llm",
        "tensorrt-llm 0.17", "tensorrt-llm 0.12", "llama.cpp", "llama.cpp b6918", "mlx"}) {
    const ServingPolicy first = policy(words);
    const ServingPolicy again = policy(first.engine + " " + first.release);
    EXPECT_EQ(again.release, first.release) << words;
    EXPECT_EQ(again.caution, first.caution) << words;
  }
}

// As stated the same as the nearest range; drawn from a wider one.
TEST(EngineReleases, OutsideTheEvidenceTimesVaryMore) {
  const auto spread = [](const std::string& release) {
    double low = 1e9, high = 0;
    for (std::int64_t sample = 1; sample <= 20; ++sample) {
      const EngineProfile engine = load_engine("vllm", {1, sample, 20});
      const double factor = release_of(engine, release).policy.launch_factor;
      low = std::min(low, factor);
      high = std::max(high, factor);
    }
    return high / low;
  };
  EXPECT_GT(spread("0.24"), 1.3 * spread("0.19"));
  EXPECT_DOUBLE_EQ(policy("vllm 0.24").launch_factor, policy("vllm 0.19").launch_factor);
}

TEST(EngineReleases, DefaultsToTheNewestThatWasMeasured) {
  EXPECT_EQ(policy("vllm").release, "0.14");
  EXPECT_EQ(policy("vllm").memory.graph_memory, Bytes(0));
  EXPECT_GT(policy("vllm 0.21").memory.graph_memory, Bytes(1e9));
}

TEST(EngineReleases, OldOnesLaunchMoreForExperts) {
  EXPECT_GT(policy("vllm 0.9").moe_launch_factor, policy("vllm 0.12").moe_launch_factor);
  EXPECT_GT(policy("sglang 0.4").moe_launch_factor, policy("sglang 0.5.6").moe_launch_factor);
}

TEST(EngineReleases, ContiguousExpertKernelsAreOfHopperAndBlackwell) {
  for (const char* name : {"h200-sxm-141gb", "b200-sxm-180gb"}) {
    EXPECT_TRUE(load_device(name).family.contiguous_experts) << name;
  }
  for (const char* name : {"mi300x", "l40s-48gb", "a100-sxm-80gb", "rtx-4090-24gb"}) {
    EXPECT_FALSE(load_device(name).family.contiguous_experts) << name;
  }
}

TEST(EngineReleases, AFileNeedNotListThem) {
  const std::string text = read_file("sim/engines/vllm.yaml");
  const TemporaryFile mine("mine.yaml", "title: Mine\n" + text.substr(text.find("releases:")));
  EXPECT_EQ(policy(mine.path()).release, "0.21");
  EXPECT_EQ(policy(mine.path() + " 7.0").release, "0.21");
}

TEST(EngineReleases, TheListsOfAFileAreChecked) {
  const std::string releases = "releases:\n  - {from: \"1\", since: \"2025-01\"}\n";
  const TemporaryFile mine("mine.yaml",
                           "title: Mine\nknown:\n  - {release: \"0.2\", month: \"2025-13\"}\n"
                           "  - {release: \"0.1\", month: \"2025-01\"}\n"
                           "evidence: {from: \"0.3\", to: \"0.2\", of: none}\n" +
                               releases);
  const std::string why = refusal(mine.path());
  for (const char* part : {"known[0].month", "known[1].release: 0.1: releases in order",
                           "evidence.to: 0.2", "evidence.older: missing"}) {
    EXPECT_NE(why.find(part), std::string::npos) << part << "\n" << why;
  }
}

TEST(EngineReleases, AnUnknownKeyOfAFileIsNamed) {
  const std::string text = read_file("sim/engines/vllm.yaml");
  const std::string other = "  to: \"0.19\"\n";
  std::string changed = text;
  changed.replace(text.find(other), other.size(), other + "  speed: 3\n");
  const TemporaryFile mine("mine.yaml", changed);
  EXPECT_NE(refusal(mine.path()).find("evidence.speed"), std::string::npos);
}

}  // namespace
}  // namespace moesim
