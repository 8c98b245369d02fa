// Routing statistics as SGLang writes them are a trace; they were once of an "unknown kind", and no
// way to give them was told.
#include <gtest/gtest.h>

#include <string>

#include "scenarios/run/run.h"
#include "tests/models/router/counts/torch_bytes.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/sim/in_child.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

// Two layers of twelve experts, of which tokens choose two.
std::string with_trace(const std::string& path) {
  return changed(kMoe, "qwen3-30b-a3b",
                 "{name: qwen3-30b-a3b, num_layers: 2, num_experts: 12, top_k: 2}") +
         "    router: {trace: " + path + ", bank_sequences: 64}\n";
}

// Expert 0 has half of the choices of layer 0, so it is in every token.
constexpr const char* kCounts =
    "[[44, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4], [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]]";

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(RoutingStatistics, OfJsonAreATrace) {
  const TemporaryFile file("counts.json",
                           std::string(R"({"rank": 3, "logical_count": )") + kCounts + "}");
  in_child([&] {
    const CaseReport report = simulate(read_text(with_trace(file.path())).cases.at(0), {});
    EXPECT_EQ(report.status, CaseStatus::kDone) << report.reason;
    const std::string& provenance = report.routing.provenance;
    EXPECT_TRUE(says(provenance, "drawn from the expert counts of counts.json")) << provenance;
    EXPECT_TRUE(says(provenance, "not used: \"rank\"")) << provenance;
    return std::vector<double>();
  });
}

TEST(RoutingStatistics, OfTorchAreTheSame) {
  std::vector<std::int32_t> numbers = {44, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
  numbers.resize(24, 10);
  const TemporaryFile torch(
      "a.pt", made::torch_file(
                  made::pickled_map({{"logical_count", made::pickled_tensor("IntStorage", "0", 24,
                                                                            {2, 12}, {12, 1})}}),
                  {made::bytes_of(numbers)}));
  const TemporaryFile json("a.json", std::string(R"({"logical_count": )") + kCounts + "}");
  const auto tpot_with = [](const std::string& trace) {
    return in_child([&] {
      const CaseReport report = simulate(read_text(with_trace(trace)).cases.at(0), {});
      return std::vector<double>{metric(report, Metric::kTpotP50).value()};
    });
  };
  EXPECT_EQ(tpot_with(torch.path()), tpot_with(json.path()));
}

TEST(RoutingStatistics, OfAnotherModelAreRefused) {
  const TemporaryFile file("counts.json", R"({"logical_count": [[1, 1]]})");
  const std::string why = refusal(with_trace(file.path()));
  EXPECT_TRUE(says(why, "counts.json: 1 layer: the 2 layers of qwen3-30b-a3b")) << why;
  EXPECT_TRUE(says(why, "counts.json: 2 experts a layer: the 12 of qwen3-30b-a3b")) << why;
}

TEST(RoutingStatistics, ALogOfBalanceTellsWhatToGiveInstead) {
  const TemporaryFile file("serve.log",
                           "EPLB step: 100 for model m: avg_tokens=512.00, max_tokens=1024, "
                           "balancedness=0.5000, steps until the next rearrangement: 3\n");
  const std::string why = refusal(with_trace(file.path()));
  EXPECT_TRUE(says(why, "a log of vLLM with 1 line of balancedness, 0.500 on average")) << why;
  EXPECT_TRUE(says(why, "{\"logical_count\": [[counts of layer 0], ...]}")) << why;
}

}  // namespace
}  // namespace moesim
