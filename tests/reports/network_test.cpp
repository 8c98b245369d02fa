#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/metrics/communication_share.h"
#include "reports/render/words/network_words.h"
#include "reports/results/network_json.h"

namespace moesim {
namespace {

NetworkSummary two_classes() {
  NetworkSummary network;
  network.decode_steps.total = Seconds(100);
  network.decode_steps.phases[static_cast<std::size_t>(Phase::kDispatch)] = Seconds(20);
  network.decode_steps.phases[static_cast<std::size_t>(Phase::kCombine)] = Seconds(11);
  LinkUse up;
  up.name = "scale-up";
  up.fullest_busy_share = 0.2;
  up.fullest = "scale-up port of node 0, device 1";
  up.doubled_gain = 0.034;
  LinkUse nic;
  nic.name = "NIC";
  nic.ports = 16;
  nic.sent = Bytes(1e9);
  nic.fullest_busy_share = 0.93;
  nic.fullest = "NIC of node 3, rail 5";
  nic.fullest_receives = true;
  nic.doubled_gain = 0.12;
  LinkUse spine;
  spine.name = "spine";
  spine.sent_known = false;
  network.decode_steps.all_reduces[static_cast<std::size_t>(AllReduce::kTwoShot)] = 192;
  network.prompt_steps.all_reduces[static_cast<std::size_t>(AllReduce::kNvls)] = 8;
  network.links = {up, nic, spine};
  return network;
}

TEST(CaseNetwork, SurvivesTheWayThroughJson) {
  const auto json = to_json(two_classes());
  EXPECT_EQ(to_json(network_from_json(json)).dump(), json.dump());
  EXPECT_TRUE(json["links"][2]["sent_bytes"].is_null());
  EXPECT_TRUE(json["links"][2]["doubled_gain_share"].is_null());
  EXPECT_EQ(json["decode_steps"]["dispatch"], 20);
}

TEST(CaseNetwork, TheSentenceNamesTheFullestPort) {
  EXPECT_EQ(
      network_sentence(two_classes()),
      "communication takes 31 % of decode steps; while tokens are dispatched, the NIC of "
      "node 3, rail 5 is 93 % busy (receiving); all-reduces run as nvls (4.0 %), two_shot (96 %); "
      "doubling the scale-up bandwidth would shorten a step by 3.4 %, the NIC bandwidth by 12 %.");
}

// Experts over many ranks, of which some rank always has a prompt: more GPUs do not help then.
TEST(CaseNetwork, TheSentenceSaysThatEveryStepWaitsForPrompts) {
  NetworkSummary network = two_classes();
  EXPECT_EQ(network_sentence(network).find("no step only decodes"), std::string::npos);
  std::swap(network.prompt_steps, network.decode_steps);
  network.decode_steps = {};
  EXPECT_NE(network_sentence(network).find("no step only decodes: every token waits for prompts"),
            std::string::npos);
}

TEST(CaseNetwork, WithoutCommunicationThereIsNothingToSay) {
  EXPECT_EQ(network_sentence(NetworkSummary{}), "");
  EXPECT_EQ(fullest_link(NetworkSummary{}), nullptr);
}

}  // namespace
}  // namespace moesim
