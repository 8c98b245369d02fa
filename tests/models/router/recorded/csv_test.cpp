// Recorded routing as comma-separated lines: choices in order, and counts alone.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "models/router/bank/load_statistics.h"
#include "models/router/counts/count_sampler.h"
#include "models/router/counts/expert_counts.h"
#include "models/router/make/recorded_routing.h"
#include "models/router/recorded/layer_choices.h"
#include "tests/models/router/recorded/recorded_files.h"

namespace moesim {
namespace {

using made::refusal;
using made::routed_model;

class RecordedChoices : public made::Folder {
 protected:
  RoutingBank read(const std::string& text, std::int64_t sequence_tokens = 1) const {
    return read_layer_choices(file("trace.csv", text), routed_model(), sequence_tokens);
  }
  std::string refused(const std::string& text) const {
    return refusal([&] { read(text); });
  }
};

// One token's choices in the layers from 1 to 3.
constexpr const char* kToken = "1,0\n1,1\n2,2\n2,3\n3,4\n3,5\n";

TEST_F(RecordedChoices, LinesOfALayerAreItsTokensInOrder) {
  // A prompt of two tokens layer by layer, then a token alone, as llama.cpp evaluates them.
  const std::string text =
      "layer,expert\n1,0\n1,1\n1,2\n1,3\n2,4\n2,5\n2,6\n2,7\n3,1\n3,0\n3,3\n3,2\n"
      "1,7\n1,6\n2,5\n2,4\n3,3\n3,1\n";
  const RoutingBank bank = read(text, 3);
  EXPECT_EQ(bank.ids,
            (std::vector<std::uint16_t>{0, 1, 2, 3, 7, 6, 4, 5, 6, 7, 5, 4, 1, 0, 3, 2, 3, 1}));
  EXPECT_EQ(bank.origin, RoutingOrigin::kRecorded);
  EXPECT_EQ(bank.provenance,
            "recorded choices of trace.csv (layer,expert lines, 3 tokens: 1 sequence of 3 tokens)");
}

TEST_F(RecordedChoices, HeaderBlanksAndLineEndsDoNotMatter) {
  const RoutingBank bank = read(kToken);
  for (const std::string& text : {"layer,expert\n" + std::string(kToken),
                                  "\xEF\xBB\xBFLayer, Expert\r\n" + std::string(kToken),
                                  std::string("1,0\r\n1 , 1\r\n\n2,2\n 2,3\n3,4 \n3,5")}) {
    EXPECT_EQ(read(text).ids, bank.ids);
  }
}

TEST_F(RecordedChoices, LayersMayBeCountedAmongThoseWithExperts) {
  EXPECT_EQ(read("0,0\n0,1\n1,2\n1,3\n2,4\n2,5\n").ids, read(kToken).ids);
}

TEST_F(RecordedChoices, AShortLastLayerLeavesTheTokensThatAllLayersHave) {
  // Three prompt tokens of which only the last yields logits, then one more.
  const std::string text =
      "1,0\n1,1\n1,2\n1,3\n1,4\n1,5\n2,0\n2,1\n2,2\n2,3\n2,4\n2,5\n3,6\n3,7\n"
      "1,7\n1,0\n2,7\n2,0\n3,1\n3,2\n";
  const RoutingBank bank = read(text, 2);
  EXPECT_EQ(bank.ids, (std::vector<std::uint16_t>{4, 5, 7, 0, 4, 5, 7, 0, 6, 7, 1, 2}));
  EXPECT_NE(bank.provenance.find("the first 2 lack the last layer"), std::string::npos);
}

TEST_F(RecordedChoices, FaultsAreNamedWithTheirLines) {
  const std::string text = refused(
      "layer,expert\n1,0\n1,8\n2,2\n2,2\n3,1\n3\n4,1\nx,1\n3,1,2\n-1,0\n3,-2\n"
      "3,99999999999999999999\n");
  const auto says = [&](const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  };
  says("trace.csv:3: token 0, layer 1: expert 8: 0 to 7");
  says("trace.csv:5: token 0, layer 2: expert 2 twice");
  says("trace.csv:7: \"3\": two whole numbers");
  says("trace.csv:8: layer: 4: 0 to 3");
  says("trace.csv:9: \"x,1\"");
  says("trace.csv:10: \"3,1,2\"");
  says("trace.csv:11: layer: -1");
  says("trace.csv:12: token 0, layer 3: expert -2");
  says("trace.csv:13: \"3,99999999999999999999\"");
}

TEST_F(RecordedChoices, LayersThatDisagreeAreRefused) {
  EXPECT_NE(refused(std::string(kToken) + "1,2\n").find("layer 1: 3 choices: a multiple of 2"),
            std::string::npos);
  EXPECT_NE(refused("1,0\n1,1\n3,4\n3,5\n").find("no layers 2"), std::string::npos);
  EXPECT_NE(refused(std::string(kToken) + "0,1\n0,2\n").find("layers 0"), std::string::npos);
  EXPECT_NE(refused(std::string(kToken) + "3,1\n3,2\n").find("2 tokens: 1 as in the first"),
            std::string::npos);
  EXPECT_NE(refused(std::string(kToken) + "1,1\n1,2\n3,1\n3,2\n").find("1 token: 2"),
            std::string::npos);
  EXPECT_NE(refused(" \n"), "");
  EXPECT_NE(refused("layer,expert\n"), "");
}

// Shares in which a sampler chooses each expert, over many tokens.
std::vector<double> chosen_shares(const std::vector<std::int64_t>& counts, std::int64_t top_k,
                                  std::int64_t tokens) {
  RandomStream random(7, "test");
  CountSampler sampler(counts, top_k);
  std::vector<double> shares(counts.size(), 0.0);
  std::vector<std::uint16_t> ids(static_cast<std::size_t>(top_k));
  for (std::int64_t t = 0; t < tokens; ++t) {
    sampler.draw(random, ids);
    EXPECT_EQ(std::set<std::uint16_t>(ids.begin(), ids.end()).size(), ids.size());
    for (const std::uint16_t id : ids) shares[id] += 1 / static_cast<double>(tokens);
  }
  return shares;
}

TEST(CountSampler, ChoosesEveryExpertInItsShare) {
  constexpr std::int64_t kTokens = 40'000;
  const std::vector<std::vector<std::int64_t>> tables = {{1, 1, 1, 1},
                                                         {40, 30, 20, 10},
                                                         {50, 30, 10, 10},
                                                         {0, 5, 0, 4, 3, 0, 2, 1},
                                                         {1000, 1, 999, 1, 1, 1000, 998},
                                                         {3, 3, 1}};
  for (const std::vector<std::int64_t>& counts : tables) {
    const double total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), 0LL));
    const std::vector<double> shares = chosen_shares(counts, 2, kTokens);
    for (std::size_t e = 0; e < counts.size(); ++e) {
      const double wanted = 2 * static_cast<double>(counts[e]) / total;
      const double error = std::sqrt(wanted * (1 - wanted) / kTokens);
      EXPECT_NEAR(shares[e], wanted, 4.5 * error + 1e-9) << e;
    }
  }
}

TEST(CountSampler, AnExpertWithAllItCanHaveIsInEveryToken) {
  EXPECT_NEAR(chosen_shares({50, 30, 10, 10}, 2, 2000)[0], 1, 1e-9);
  // Drawing in proportion to what is left would choose it in fewer:
  // 0.5 + 0.3 0.5 / 0.7 + 2 0.1 0.5 / 0.9 = 0.825.
}

TEST(CountSampler, AsManyExpertsAsChoicesAreAllChosen) {
  for (const double share : chosen_shares({7, 7, 7}, 3, 100)) EXPECT_NEAR(share, 1, 1e-9);
}

TEST(CountSampler, KeepsNoTwoExpertsApart) {
  RandomStream random(7, "test");
  CountSampler sampler(std::array<std::int64_t, 4>{40, 30, 20, 10}, 2);
  std::map<std::set<std::uint16_t>, int> pairs;
  std::array<std::uint16_t, 2> ids{};
  for (int t = 0; t < 4000; ++t) {
    sampler.draw(random, ids);
    ++pairs[{ids[0], ids[1]}];
  }
  EXPECT_EQ(pairs.size(), 6U);
  for (const auto& [pair, count] : pairs) EXPECT_GT(count, 40);
}

class RecordedCounts : public made::Folder {
 protected:
  RoutingBank read(const std::string& text, std::int64_t sequences = 4,
                   std::uint64_t seed = 1) const {
    return read_expert_counts(file("counts.csv", "layer_id,expert_id,count\n" + text),
                              routed_model(), {sequences, 8, seed});
  }
  std::string refused(const std::string& text) const {
    return refusal([&] { read(text); });
  }
};

constexpr const char* kCounts =
    "1,0,100\n1,1,100\n2,7,10\n2,6,5\n2,0,5\n3,0,1\n3,1,1\n3,2,1\n3,3,1\n3,4,0\n";

TEST_F(RecordedCounts, TokensFollowTheCountsOfTheirLayer) {
  const RoutingBank bank = read(kCounts, 500);
  EXPECT_EQ(bank.origin, RoutingOrigin::kDrawnFromCounts);
  EXPECT_EQ(bank.sequences, 500);
  EXPECT_EQ(bank.sequence_tokens, 8);
  EXPECT_EQ(bank.provenance,
            "drawn from the expert counts of counts.csv (74 choices per layer on average): 4000 "
            "independent tokens");
  const std::vector<std::vector<double>> counts = expert_counts(bank);
  EXPECT_EQ(counts[0], (std::vector<double>{4000, 4000, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(counts[1][7], 4000);  // Half of the choices, so in every token.
  EXPECT_NEAR(counts[1][6], 2000, 150);
  EXPECT_NEAR(counts[2][3], 2000, 150);
  EXPECT_EQ(counts[2][4], 0);
}

TEST_F(RecordedCounts, TheSeedDecidesAlone) {
  EXPECT_EQ(read(kCounts).ids, read(kCounts).ids);
  EXPECT_NE(read(kCounts, 4, 1).ids, read(kCounts, 4, 2).ids);
}

TEST_F(RecordedCounts, LayersMayBeCountedAmongThoseWithExperts) {
  std::string text = kCounts;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) --text[at];
  EXPECT_EQ(read(text).ids, read(kCounts).ids);
}

TEST_F(RecordedCounts, CountsThatNoRouterCanGiveAreRefused) {
  const std::string text = refused("1,0,51\n1,1,49\n2,0,1\n2,1,1\n3,0,3\n3,1,2\n3,2,1\n");
  EXPECT_NE(text.find("layer 1, expert 0: 51 of the layer's 100 choices: at most 50"),
            std::string::npos)
      << text;
  EXPECT_EQ(made::count_lines(text), 1U);
}

TEST_F(RecordedCounts, FaultsAreNamedWithTheirLines) {
  const std::string text = refused(
      "1,0,1\n1,1\n1,8,1\n9,0,1\n1,1,-1\n1,1,1.5\n1,0,2\n1,1,999999999999999999\nx\n2,0,0\n"
      "3,0,100000000000000\n3,1,100000000000000\n");
  const auto says = [&](const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  };
  says("counts.csv:3: \"1,1\": three whole numbers");
  says("counts.csv:4: expert_id: 8: 0 to 7");
  says("counts.csv:5: layer_id: 9: 0 to 3");
  says("counts.csv:6: count: -1");
  says("counts.csv:7: \"1,1,1.5\"");
  says("counts.csv:8: layer 1, expert 0 again");
  says("counts.csv:9: count: 999999999999999999");
  says("counts.csv:10: \"x\"");
  says("layer 2: no choices");
  says("layer 3: more choices");
}

TEST_F(RecordedCounts, AllLayersWithExpertsAreNeeded) {
  EXPECT_NE(refused("1,0,1\n1,1,1\n").find("no layers 2, 3"), std::string::npos);
  EXPECT_NE(refused(std::string(kCounts) + "0,0,1\n0,1,1\n").find("layers 0"), std::string::npos);
}

TEST_F(RecordedCounts, RealCountsComeBack) {
  std::ifstream in("../shared/data/routing/olmoe_expert_counts.csv");
  if (!in) GTEST_SKIP() << "../shared/data/routing is not there";
  std::vector<std::int64_t> counts(64, 0);
  for (std::string line; std::getline(in, line);) {
    const std::string start = "OLMoE-1B-7B-0924,arxiv,expert_counts,0,";
    if (!line.starts_with(start)) continue;
    const std::size_t comma = line.rfind(',');
    counts[std::stoul(line.substr(start.size()))] = std::stol(line.substr(comma + 1));
  }
  const double total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), 0LL));
  ASSERT_GT(total, 0);
  const std::vector<double> shares = chosen_shares(counts, 8, 16'384);
  std::vector<double> wanted;
  for (const std::int64_t count : counts) wanted.push_back(8 * static_cast<double>(count) / total);
  const LoadStatistics found = load_statistics(shares);
  const LoadStatistics published = load_statistics(wanted);
  EXPECT_NEAR(found.max_over_mean / published.max_over_mean, 1, 0.02);
  EXPECT_NEAR(found.gini, published.gini, 0.005);
}

class RecordedRouting : public made::Folder {};

TEST_F(RecordedRouting, NameAndFirstLineDecideTheFormat) {
  const auto provenance = [&](const std::string& name, const std::string& text) {
    return read_recorded_routing(file(name, text), routed_model(), 1, 1, 3).provenance;
  };
  const std::string data = "\x01\x02\x03\x04\x05\x06";
  EXPECT_EQ(provenance("a.npy", made::npy(made::npy_dictionary("|u1", "(1, 3, 2)"), data)),
            "recorded ids of a.npy (NumPy u1, 1 token: 1 sequence of 1 token)");
  const std::string request =
      made::base64(made::bytes_of(std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(provenance("a.jsonl", R"({"routed_experts": ")" + request + "\"}"),
            "recorded ids of a.jsonl (JSON lines, 1 request: 1 sequence of 1 token)");
  EXPECT_EQ(provenance("a.csv", kToken),
            "recorded choices of a.csv (layer,expert lines, 1 token: 1 sequence of 1 token)");
  EXPECT_EQ(provenance("b.csv", "layer,expert,count\n" + std::string(kCounts)),
            "drawn from the expert counts of b.csv (74 choices per layer on average): 3 "
            "independent tokens");
}

TEST_F(RecordedRouting, OtherFilesAreRefusedByName) {
  const auto why = [&](const std::string& path) {
    return refusal([&] { read_recorded_routing(path, routed_model(), 1, 1); });
  };
  EXPECT_NE(why(file("ids.bin", "x"))
                .find("ids.bin: recorded routing of an unknown kind: each "
                      "token's experts in .npy"),
            std::string::npos);
  EXPECT_NE(why(file("a.csv", "token,layer,expert\n")).find("first line \"token,layer,expert\""),
            std::string::npos);
  EXPECT_NE(why(file("b.csv", "model,layer,expert,count\n"))
                .find("first line \"model,layer,expert,count\": layer_id,expert_id,count or "),
            std::string::npos);
  EXPECT_NE(why(path("missing.csv")).find("No such file"), std::string::npos);
  EXPECT_NE(why(path("missing.jsonl")).find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace moesim
