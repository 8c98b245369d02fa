// Routing statistics of engines, as JSON and as files of torch.save.
#include "models/router/counts/routing_statistics.h"

#include <gtest/gtest.h>

#include <numeric>

#include "models/router/bank/load_statistics.h"
#include "models/router/make/recorded_routing.h"
#include "tests/models/router/counts/torch_bytes.h"
#include "tests/models/router/recorded/recorded_files.h"

namespace moesim {
namespace {

using made::pickled;
using made::pickled_map;
using made::pickled_tensor;

// Three layers of eight experts: two of them share layer 1, four layer 2, eight layer 3.
constexpr const char* kCounts = "[[1,1,0,0,0,0,0,0],[1,1,1,1,0,0,0,0],[1,1,1,1,1,1,1,1]]";

class Statistics : public made::Folder {
 protected:
  RoutingBank read(const std::string& name, const std::string& bytes) const {
    return read_recorded_routing(file(name, bytes), made::routed_model(), 8, 1, 100);
  }
  std::string refused(const std::string& name, const std::string& bytes) const {
    return made::refusal([&] { read(name, bytes); });
  }
  // Of 800 tokens.
  static void expect_shares(const RoutingBank& bank) {
    const auto counts = expert_counts(bank);
    EXPECT_EQ(counts[0][1], 800);
    EXPECT_NEAR(counts[1][3], 400, 80);
    EXPECT_EQ(counts[1][4], 0);
    EXPECT_NEAR(counts[2][7], 200, 60);
    EXPECT_EQ(bank.origin, RoutingOrigin::kDrawnFromCounts);
  }
  void expect_refusal(const std::string& text, const std::string& found,
                      const std::string& allowed) const {
    const std::string why = refused("a.json", text);
    EXPECT_NE(why.find(found), std::string::npos) << found << "\n" << why;
    EXPECT_NE(why.find(allowed), std::string::npos) << allowed << "\n" << why;
    EXPECT_EQ(made::count_lines(why), 1U) << why;
  }
};

TEST_F(Statistics, CountsOfLogicalExperts) {
  const RoutingBank bank =
      read("a.json", std::string(R"({"rank": 0, "logical_count": )") + kCounts + "}");
  expect_shares(bank);
  EXPECT_EQ(bank.provenance,
            "drawn from the expert counts of a.json (4 choices per layer on average; logical_count "
            "of 1 step; not used: \"rank\"): 800 independent tokens");
}

TEST_F(Statistics, StepsAddUpAndLayersWithoutExpertsAreZero) {
  const std::string step = R"([[0,0,0,0,0,0,0,0],[2,2,0,0,0,0,0,0],[3,3,0,0,0,0,0,0],)";
  const RoutingBank bank = read("a.json", R"({"logical_count": [)" + step + "[1,1,1,1,0,0,0,0]]," +
                                              step + "[0,0,0,0,1,1,1,1]]]}");
  EXPECT_NE(bank.provenance.find("(9 choices per layer on average; logical_count of 2 steps)"),
            std::string::npos)
      << bank.provenance;
  EXPECT_EQ(expert_counts(bank)[1][0], 800);
  EXPECT_NEAR(expert_counts(bank)[2][7], 200, 60);
}

// Slot 8 is a copy of expert 0, whose choices it shares with slot 0.
TEST_F(Statistics, SlotsAreMappedToTheirExperts) {
  const std::string map = "[0,1,2,3,4,5,6,7,0]";
  const std::string record =
      R"({"rank": 1, "global_physical_count": [[0,1,0,0,0,0,0,0,1],[1,2,2,2,0,0,0,0,1],
          [1,2,2,2,2,2,2,2,1]]})";
  const RoutingBank bank = read("a.json", R"({"records": [)" + record + "," + record +
                                              R"(], "last_physical_to_logical_map": [)" + map +
                                              "," + map + "," + map + "]}");
  expect_shares(bank);
  EXPECT_NE(bank.provenance.find("global_physical_count of 2 steps; not used: \"rank\")"),
            std::string::npos)
      << bank.provenance;
}

TEST_F(Statistics, OtherModelsAndTablesAreRefused) {
  expect_refusal(R"({"logical_count": [[1,1],[1,1],[1,1]]})", "2 experts a layer",
                 "the 8 of routed");
  expect_refusal(R"({"logical_count": [[1,1,1,1,1,1,1,1]]})",
                 "1 layer:", "the 3 layers of routed that have experts, or all 4");
  expect_refusal(R"({"logical_count": [[1,1,1],[1,1],[1,1,1]]})", "2 experts in layer 1",
                 "3 everywhere");
  expect_refusal(R"({"logical_count": [[1,-1]]})", "layer 0, expert 1: -1", "0 to 1000");
  expect_refusal(R"({"logical_count": [[1,0.5]]})", "no whole number", "one JSON object");
  expect_refusal(R"({"logical_count": [1,2]})", "lists of other depths", "one JSON object");
  expect_refusal(R"({"logical_count": [{"a": 1}]})", "with an object", "one JSON object");
  expect_refusal(R"({"logical_count": []})", "only the fields \"logical_count\"", "logical_count");
  expect_refusal(R"({"physical_to_logical_map": [[0]]})", "only the fields \"physical_to_logical",
                 "logical_count, or records with global_physical_count");
  expect_refusal(R"({"global_physical_count": [[1,1]]})", "physical_to_logical_map: none",
                 "one of [1, 2]");
  expect_refusal("[[1,2]]", "a list", "one JSON object");
  expect_refusal("{\"logical_count\": [[1,", "no JSON at byte", "one JSON object");
  const std::string dense = R"({"logical_count": [[5,5,0,0,0,0,0,0],)";
  expect_refusal(dense + std::string(kCounts).substr(1) + "}", "layer 0: 10 choices",
                 "0 in the layers of routed without experts");
}

TEST_F(Statistics, CountsOfOneRankAloneAreRefused) {
  const std::string map = "[0,1,2,3,4,5,6,7]", own = "[0,0,0,0,1,1,1,1]";
  expect_refusal(R"({"global_physical_count": [)" + own + "," + own + "," + own +
                     R"(], "physical_to_logical_map": [)" + map + "," + map + "," + map + "]}",
                 "slots 4 to 7 of 8 alone", "the counts of all ranks");
}

// The same as a tensor [steps, layers, experts].
std::string saved(const std::string& storage, const std::string& data, std::int64_t stored = 24) {
  return made::torch_file(
      pickled_map({{"rank", pickled(std::int64_t{0})},
                   {"logical_count", pickled_tensor(storage, "0", stored, {1, 3, 8}, {24, 8, 1})},
                   {"average_utilization_rate_over_window", "N"}}),
      {data});
}
template <typename Number>
std::string saved_counts() {
  const std::vector<Number> numbers = {1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
                                       0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  return made::bytes_of(numbers);
}

TEST_F(Statistics, TensorsOfTorch) {
  const RoutingBank bank = read("a.pt", saved("IntStorage", saved_counts<std::int32_t>()));
  expect_shares(bank);
  EXPECT_EQ(bank.ids, read("a.json", std::string(R"({"logical_count": )") + kCounts + "}").ids);
  EXPECT_NE(bank.provenance.find("not used: \"average_utilization_rate_over_window\", \"rank\""),
            std::string::npos);
  EXPECT_EQ(bank.ids, read("a.pt", saved("LongStorage", saved_counts<std::int64_t>())).ids);
  EXPECT_EQ(bank.ids, read("a.pt", saved("FloatStorage", saved_counts<float>())).ids);
}

// [experts, layers] in memory, turned by its strides, behind two other numbers.
TEST_F(Statistics, ViewsOfTensors) {
  const std::string turned = made::bytes_of(std::vector<std::int32_t>{
      9, 9, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1});
  expect_shares(read(
      "a.pt", made::torch_file(pickled_map({{"logical_count", pickled_tensor("IntStorage", "0", 26,
                                                                             {3, 8}, {1, 3}, 2)}}),
                               {turned})));
}

TEST_F(Statistics, RecordsOfTorch) {
  const std::string record = pickled_map(
      {{"forward_pass_id", pickled(std::int64_t{7})},
       {"input_ids", pickled(std::vector<std::int64_t>{1, 2})},
       {"global_physical_count", pickled_tensor("IntStorage", "0", 24, {3, 8}, {8, 1})}});
  std::string map;
  for (int layer = 0; layer < 3; ++layer) {
    map += made::bytes_of(std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
  }
  const RoutingBank bank =
      read("a.pt",
           made::torch_file(pickled_map({{"records", "](" + record + "e"},
                                         {"last_physical_to_logical_map",
                                          pickled_tensor("LongStorage", "1", 24, {3, 8}, {8, 1})}}),
                            {saved_counts<std::int32_t>(), map}));
  expect_shares(bank);
  EXPECT_NE(bank.provenance.find("not used: \"forward_pass_id\", \"input_ids\""),
            std::string::npos);
}

// Nothing of a pickle is called: an object of a class that is not known stays a name.
TEST_F(Statistics, PicklesAreReadAsData) {
  const std::string call = "cos\nsystem\n(" + pickled(std::string("touch " + path("ran"))) + "tR";
  const std::string why =
      refused("a.pt", made::torch_file(pickled_map({{"logical_count", call}}), {}));
  EXPECT_NE(why.find("logical_count: an object made by \"os.system\": a tensor"), std::string::npos)
      << why;
  EXPECT_FALSE(std::filesystem::exists(path("ran")));
}

TEST_F(Statistics, DamagedFilesOfTorchAreRefused) {
  const std::string good = saved("IntStorage", saved_counts<std::int32_t>());
  const auto says = [&](const std::string& bytes, const std::string& found) {
    const std::string why = refused("a.pt", bytes);
    EXPECT_NE(why.find(found), std::string::npos) << found << "\n" << why;
  };
  says("x", "no zip file");
  says("\x80\x02}.", "before PyTorch 1.6");
  says(good.substr(0, good.size() / 2), "zip");
  says(saved("IntStorage", "1234"), "too few data");
  says(saved("HalfStorage", saved_counts<std::int16_t>()), "\"torch.HalfStorage\"");
  says(saved("IntStorage", saved_counts<std::int32_t>(), 20), "beyond its storage");
  says(made::torch_file("](e", {}), "a list: a dictionary with logical_count");
  says(made::torch_file("}h\x01", {}), "recalls a value");
  says(made::torch_file("}\xfe", {}), "opcode 0xfe");
  says(made::torch_file("ttt", {}), "without the mark");
  says(made::stored_zip({{"a/other", "x"}}), "without data.pkl");
  for (std::size_t size = 1; size < good.size(); size += 3) {
    EXPECT_NE(refused("a.pt", good.substr(0, size)), "") << size;
  }
}

TEST_F(Statistics, LogsOfBalanceAreNamed) {
  const std::string why =
      refused("serve.log",
              "INFO 12-01 EPLB step: 100 for model m: avg_tokens=512.00, max_tokens=1024, "
              "balancedness=0.5000\nother\nINFO EPLB step: avg_tokens=9.00, max_tokens=10, "
              "balancedness=0.9000\n");
  EXPECT_NE(why.find("a log of vLLM with 2 lines of balancedness, 0.700 on average: loads of "
                     "single experts"),
            std::string::npos)
      << why;
}

}  // namespace
}  // namespace moesim
