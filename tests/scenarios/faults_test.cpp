// `faults:` of a case: what it means, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

const std::string kTwoNodes = changed(kDense, "{node: dgx-h100}", "{node: dgx-h100, nodes: 2}");

std::string with_faults(const std::string& list) {
  return kTwoNodes + "    faults: [" + list + "]\n";
}

FaultSpec faults_of(const std::string& list) {
  return read_text(with_faults(list)).cases.at(0).deployment.faults;
}

TEST(Faults, NameLinksAndDevices) {
  const FaultSpec spec = faults_of(
      "{link: nic, node: 1, rail: 5, speed: 0.5, from: 20 s, until: 80 s}, "
      "{link: scale-up, gpu: 12, speed: 0.25}, {node: 1, gpu: 2, speed: 0.8}, "
      "{link: nic, node: 0, rail: 0, speed: 0, until: 5 s, timeout: 1 min}, "
      "{gpu: 7, fails: 30 s, detection: 10 s, restart: never}, {node: 1, fails: 0 s}");
  ASSERT_EQ(spec.slowdowns.size(), 4u);
  EXPECT_EQ(spec.slowdowns[0].part, FaultPart::kNic);
  EXPECT_EQ(spec.slowdowns[0].index, 13);
  EXPECT_EQ(spec.slowdowns[0].devices.first, 13);
  EXPECT_EQ(spec.slowdowns[0].devices.count, 1);
  EXPECT_EQ(spec.slowdowns[0].until, Seconds(80));
  EXPECT_EQ(spec.slowdowns[1].part, FaultPart::kScaleUp);
  EXPECT_EQ(spec.slowdowns[1].index, 12);
  EXPECT_TRUE(std::isinf(spec.slowdowns[1].until.value()));
  EXPECT_EQ(spec.slowdowns[2].part, FaultPart::kDevice);
  EXPECT_EQ(spec.slowdowns[2].index, 10);
  EXPECT_EQ(spec.slowdowns[3].timeout, Seconds(60));
  EXPECT_EQ(spec.slowdowns[3].restart, kRestartTime);
  ASSERT_EQ(spec.failures.size(), 2u);
  EXPECT_EQ(spec.failures[0].devices.first, 7);
  EXPECT_FALSE(spec.failures[0].restart);
  EXPECT_EQ(spec.failures[1].devices.first, 8);
  EXPECT_EQ(spec.failures[1].devices.count, 8);
  EXPECT_EQ(spec.failures[1].detection, kDetectionTime);
}

// Two leaves of 32 nodes for each of eight rails, every leaf with 32 cables up.
const std::string kManyNodes =
    changed(kDense, "{node: dgx-h100}", "{node: dgx-h100, nodes: 64, fabric: rail-fat-tree}");

std::string with_slow_links(const std::string& list) {
  return kManyNodes + "    faults: [" + list + "]\n";
}

TEST(Faults, NameLinksOfTheFabric) {
  const FaultSpec spec =
      read_text(with_slow_links("{link: fabric, port: leaf 3, speed: 0.5}, {link: "
                                "fabric, port: leaf 5 up, cables: 8, speed: 0}"))
          .cases.at(0)
          .deployment.faults;
  ASSERT_EQ(spec.slowdowns.size(), 2u);
  EXPECT_EQ(spec.slowdowns[0].part, FaultPart::kFabric);
  EXPECT_EQ(spec.slowdowns[0].fabric.ports, (std::map<std::int32_t, double>{{6, 0.5}, {7, 0.5}}));
  EXPECT_EQ(spec.slowdowns[0].speed, 0.5);
  EXPECT_EQ(spec.slowdowns[0].devices.count, 512);
  // Both directions, of 32 cables each.
  EXPECT_EQ(spec.slowdowns[1].fabric.ports,
            (std::map<std::int32_t, double>{{10, 0.75}, {11, 0.75}}));
}

TEST(Faults, OfLinksThatTheFabricLacksAreRefused) {
  const auto message = [](const std::string& list) { return refusal(with_slow_links(list)); };
  const std::string at = "s.yaml:10: cases.a.faults[0]";
  EXPECT_EQ(message("{link: fabric, port: leaf 16, speed: 0.5}"),
            at +
                ".port: leaf 16: there is no such link; allowed: one of 32 names from leaf 0 up to "
                "leaf 15 down, or their first words");
  EXPECT_EQ(message("{link: fabric, port: leaf 3, cables: 33, speed: 0.5}"),
            at + ".cables: 33: at most 32, as one of these links has no more");
  EXPECT_NE(message("{link: fabric, speed: 0.5}").find("faults[0].port: missing"),
            std::string::npos);
  EXPECT_NE(message("{link: fabric, port: leaf 3, cables: 32, speed: 0}").find("until: missing"),
            std::string::npos);
  EXPECT_NE(message("{link: fabric, port: leaf 3, speed: 0.5}, {link: fabric, port: leaf, cables: "
                    "1, speed: 0.9}")
                .find("an earlier entry says links of leaf 3 at 0.5 of their speed"),
            std::string::npos);
  EXPECT_EQ(refusal(with_faults("{link: fabric, port: leaf 0, speed: 0.5}")),
            at + ".port: leaf 0: there is no such link; allowed: none, as all NICs meet in one "
                 "switch");
  EXPECT_EQ(refusal(kDense + "    faults: [{link: fabric, port: leaf 0, speed: 0.5}]\n"),
            at + ".link: fabric: a cluster of one node has no network");
}

TEST(Faults, OfTheFabricAreWrittenOutAndReadBack) {
  const std::string text =
      read_text(with_slow_links("{link: fabric, port: leaf 3, cables: 4, speed: 0.25}, {link: "
                                "fabric, port: leaf 4, speed: 0, from: 2 s, until: 5 s}"))
          .resolved;
  EXPECT_NE(text.find("cables: 4"), std::string::npos) << text;
  EXPECT_EQ(read_text(text).resolved, text);
}

TEST(Faults, AreWrittenOutAndReadBack) {
  const std::string text = read_text(with_faults("{link: nic, node: 1, rail: 5, speed: 0, from: "
                                                 "20 s, until: 80 s}, {gpu: 3, speed: 0.8}, "
                                                 "{link: scale-up, gpu: 9, speed: 0.1}, "
                                                 "{gpu: 7, fails: 30 s}, {node: 1, fails: 2 s, "
                                                 "restart: never}"))
                               .resolved;
  EXPECT_NE(text.find("timeout: "), std::string::npos) << text;
  EXPECT_EQ(read_text(text).resolved, text);
}

// An assumed time says so in the report.
TEST(Faults, TellWhatIsAssumed) {
  const auto assumed = [](const std::string& list) {
    std::size_t count = 0;
    for (const Fact& fact : faults_of(list).facts) count += fact.source != "the scenario";
    return count;
  };
  EXPECT_EQ(assumed("{gpu: 7, fails: 30 s}"), 2u);
  EXPECT_EQ(assumed("{gpu: 7, fails: 30 s, detection: 1 s, restart: 9 s}"), 0u);
  EXPECT_EQ(assumed("{link: nic, node: 1, rail: 5, speed: 0, until: 8 s}"), 2u);
}

TEST(Faults, OfWhatIsNotThereAreRefused) {
  const auto message = [](const std::string& list) { return refusal(with_faults(list)); };
  const std::string at = "s.yaml:10: cases.a.faults[0]";
  EXPECT_EQ(message("{link: nic, node: 2, rail: 5, speed: 0.5}"),
            at + ".node: 2: there is no such node; allowed: 0 to 1");
  EXPECT_EQ(message("{link: nic, node: 1, rail: 8, speed: 0.5}"),
            at + ".rail: 8: there is no such rail; allowed: 0 to 7");
  EXPECT_EQ(message("{gpu: 16, speed: 0.5}"),
            at + ".gpu: 16: there is no such GPU of the cluster; allowed: 0 to 15");
  EXPECT_EQ(message("{node: 1, gpu: 8, fails: 5 s}"),
            at + ".gpu: 8: there is no such GPU of a node; allowed: 0 to 7");
  EXPECT_EQ(message("{node: 7, fails: 5 s}"),
            at + ".node: 7: there is no such node; allowed: 0 to 1");
  EXPECT_EQ(refusal(kDense + "    faults: [{link: nic, node: 0, rail: 0, speed: 0.5}]\n"),
            at + ".link: nic: no NIC is used in a cluster of one node");
  EXPECT_NE(
      message("{link: wire, gpu: 1, speed: 0.5}").find("one of nic, scale-up, fabric expected"),
      std::string::npos);
}

TEST(Faults, WithWrongNumbersAreRefused) {
  const auto holds = [](const std::string& list, const std::string& part) {
    const std::string message = refusal(with_faults(list));
    EXPECT_NE(message.find(part), std::string::npos) << list << "\n" << message;
  };
  holds("{gpu: 1, speed: 1.5}", "faults[0].speed: 1.5");
  holds("{gpu: 1, speed: -0.5}", "faults[0].speed: -0.5");
  holds("{gpu: 1, speed: 0}", "a GPU that stops is {gpu: 3, fails: 30 s}");
  holds("{gpu: 1}", "faults[0].speed: missing");
  holds("{speed: 0.5}", "faults[0].gpu: missing");
  holds("{gpu: 1, speed: 0.5, from: -1 s}", "not negative");
  holds("{gpu: 1, speed: 0.5, from: 9 s, until: 9 s}", "a date after `from`");
  holds("{gpu: 1, fails: -3 s}", "not negative");
  holds("{gpu: 1, fails: 3}", "a time with unit");
  holds("{gpu: 1, fails: 3 s, restart: soon}", "a time with unit");
  holds("{gpu: 1, fails: 3 s, detection: 1e30 s}", "at most 3650 days");
  holds("{link: nic, node: 1, rail: 5, speed: 0}", "faults[0].until: missing");
  holds("{gpu: 1, fails: 3 s, speeed: 1}", "unknown key");
  holds("{gpu: 1, fails: 3 s, detecton: 1 s}", "did you mean detection?");
  holds("7", "a map such as {link: nic, node: 3, rail: 5, speed: 0.5} or {gpu: 7");
  EXPECT_NE(refusal(kTwoNodes + "    faults: {gpu: 1}\n").find("a list expected"),
            std::string::npos);
}

TEST(Faults, ThatContradictEachOtherAreRefused) {
  const auto message = [](const std::string& list) { return refusal(with_faults(list)); };
  EXPECT_EQ(message("{gpu: 1, speed: 0.5, until: 9 s}, {gpu: 1, speed: 0.8, from: 5 s}"),
            "s.yaml:10: cases.a.faults[1].speed: 0.8: one speed at a time, but an earlier entry "
            "says GPU 1 at 0.5 of its speed from 0 s to 9 s");
  EXPECT_EQ(message("{gpu: 1, speed: 0.5, until: 9 s}, {gpu: 1, speed: 0.8, from: 9 s}"), "");
  EXPECT_EQ(message("{gpu: 1, speed: 0.5}, {link: scale-up, gpu: 1, speed: 0.8}"), "");
  EXPECT_EQ(message("{gpu: 1, fails: 10 s, detection: 1 s, restart: 5 s}, {node: 0, fails: 12 s}"),
            "s.yaml:10: cases.a.faults[1].fails: 12 s: one failure at a time, but an earlier entry "
            "has GPU 1 fail at 10 s and come back at 16 s");
  EXPECT_NE(message("{gpu: 1, fails: 1 s, restart: never}, {gpu: 1, fails: 900 s}"), "");
  EXPECT_EQ(message("{gpu: 1, fails: 10 s, restart: 5 s}, {gpu: 2, fails: 12 s}"), "");
}

}  // namespace
}  // namespace moesim
