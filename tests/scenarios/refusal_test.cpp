// What a planner reads when a scenario is wrong: the file, the line, the place, the value, the
// remedy.
#include <gtest/gtest.h>

#include <random>

#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

// The base text with its requests replaced.
std::string with_requests(const std::string& requests, const std::string& more = "") {
  return changed(kDense, "{static: {batch: 4}}\n", requests + "\n" + more);
}

TEST(Refusal, UnknownKeysAtEveryLevelGetASuggestion) {
  EXPECT_EQ(refusal(changed(kDense, "schema: 1\n", "schema: 1\nquestoin: why\n")),
            "s.yaml:2: questoin: questoin: unknown key; did you mean question?");
  EXPECT_EQ(refusal(kDense + "    modle: x\n"),
            "s.yaml:10: cases.a.modle: modle: unknown key; did you mean model?");
  EXPECT_EQ(refusal(kDense + "    parallel:\n      tensor: 8\n"),
            "s.yaml:11: cases.a.parallel.tensor: tensor: unknown key; allowed: tp, pp, "
            "attention_dp, ep, moe_tp, replicas");
  EXPECT_EQ(refusal(changed(kDense, "batch: 4", "batch: 4, bacth: 4")),
            "s.yaml:4: workload.requests.static.bacth: bacth: unknown key; did you mean batch?");
}

TEST(Refusal, PoolsHaveAllTheirFaultsToldAtOnce) {
  EXPECT_EQ(refusal(kDense + "    parallel: {tp: 2, replicas: 3}\n    prefill: {tp: 2}\n"), "");
  EXPECT_EQ(refusal(kDense + "    parallel: {tp: 2}\n    prefill: {tp: 2}\n"), "");
  EXPECT_EQ(refusal(kDense + "    parallel: {tp: 3, ep: 2}\n    prefill: {tp: 2, replicas: 4}\n"),
            "s.yaml:10: cases.a.parallel.tp: 3: must divide the model's 32 attention heads: 1, 2, "
            "4, 8\n"
            "s.yaml:10: cases.a.parallel.tp: 3: must divide the model's 8 KV heads (1, 2, 4, 8) or "
            "be a multiple of them\n"
            "s.yaml:10: cases.a.parallel.ep: 2: must be 1: the model is dense\n"
            "s.yaml:11: cases.a.prefill.replicas: 4: prefill workers take 8 devices and decode "
            "workers 3, which must add up to the cluster's 8");
  EXPECT_EQ(refusal(kMoe + "    parallel: {tp: 4}\n    prefill: {tp: 4, ep: 3, moe_tp: 1}\n"),
            "s.yaml:11: cases.a.prefill.ep: 3: ep 3 * moe_tp 1 must equal tp 4 * attention_dp 1 = "
            "4: ep may be 1, 2, 4\n"
            "s.yaml:11: cases.a.prefill.ep: 3: must divide the model's 128 experts: 1, 2, 4, 8");
  EXPECT_EQ(refusal(kDense + "    prefill: {tp: 1000000, pp: 1000000, attention_dp: 1000000, "
                             "replicas: 1000000}\n")
                .find("s.yaml:10: cases.a.prefill"),
            0u);
}

TEST(Refusal, ARoutingBankHasALargestSize) {
  const auto bank = [](const std::string& tokens) {
    return refusal(kMoe + "    router: {bank_sequences: 64, bank_sequence_tokens: " + tokens +
                   "}\n");
  };
  EXPECT_EQ(bank("1024"), "");
  EXPECT_EQ(bank("1025"),
            "s.yaml:10: cases.a.router: 65600 tokens: bank_sequences times bank_sequence_tokens up "
            "to 65536 expected");
}

TEST(Refusal, AFabricThatCannotBeBuiltNamesTheWordToChange) {
  const auto cluster = [](const std::string& words) {
    return refusal(changed(kDense, "{node: dgx-h100}", words));
  };
  EXPECT_EQ(cluster("{node: dgx-h100, nodes: 9000}"),
            "s.yaml:9: cases.a.cluster.nodes: 9000: 72000 NICs need 2256 leaves, but 3 levels of "
            "64-port switches join 2048: fewer nodes, or a fabric with more ports or levels");
  EXPECT_EQ(cluster("{node: dgx-h100, nodes: 2, fabric: none}"),
            "s.yaml:9: cases.a.cluster.fabric: none: several nodes need a fabric, e.g. "
            "rail-fat-tree");
  EXPECT_EQ(cluster("{node: dgx-h100, nodes: 2, routing: valiant}"),
            "s.yaml:9: cases.a.cluster.routing: valiant: spread or ecmp: a fat tree has no detours "
            "to choose from");
  EXPECT_EQ(cluster("{node: dgx-h100, nodes: 4, fabric: slingshot-dragonfly, routing: valiant}"),
            "s.yaml:9: cases.a.cluster.routing: valiant: minimal: 32 NICs make 1 of a dragonfly's "
            "groups, and a detour needs a third");
  EXPECT_EQ(cluster("{node: tpu-v5p-1x, nodes: 8, fabric: torus-3d, shape: [2, 2, 2]}"), "");
  EXPECT_EQ(cluster("{node: tpu-v5p-1x, nodes: 8, fabric: torus-3d, shape: [2, 2, 3]}"),
            "s.yaml:9: cases.a.cluster.shape: [2, 2, 3]: lengths that multiply to the 8 NICs of 8 "
            "nodes, not 12");
  EXPECT_EQ(cluster("{node: tpu-v5p-1x, nodes: 8, fabric: torus-3d, shape: [2, 0, 4]}"),
            "s.yaml:9: cases.a.cluster.shape[1]: 0: a whole number from 1 to 100000 expected");
  EXPECT_EQ(cluster("{node: dgx-h100, nodes: 8, shape: [8, 8]}"),
            "s.yaml:9: cases.a.cluster.shape: given: only a torus has a shape; leave this out");
  EXPECT_EQ(cluster("{node: dgx-h100, nodes: 2, routing: vliant}"),
            "s.yaml:9: cases.a.cluster.routing: vliant: one of spread, ecmp, minimal, valiant "
            "expected; did you mean valiant?");
  EXPECT_EQ(cluster("{node: workstation-rtx-4090, nodes: 2}"),
            "s.yaml:9: cases.a.cluster.node: workstation-rtx-4090: it has no NICs; only a single "
            "node can be built of it");
}

TEST(Refusal, AnAllReduceThatTheLinksCannotRunNamesThoseThatTheyCan) {
  const auto message = [](const std::string& node, const std::string& choice) {
    return refusal(changed(kDense, "dgx-h100", node) + "    engine: {all_reduce: " + choice +
                   "}\n");
  };
  const std::string at = "s.yaml:10: cases.a.engine.all_reduce: ";
  EXPECT_EQ(message("dgx-h100", "nvls"), "");
  EXPECT_EQ(message("dgx-a100", "nvls"), at + "nvls: no switch reduces between devices on nvlink3; "
                                              "allowed here: auto, ring, one_shot, two_shot");
  EXPECT_EQ(message("dgx-h100", "tree"),
            at + "tree: a tree is between nodes, and all are on one; allowed here: auto, ring, "
                 "nvls, one_shot, two_shot");
  EXPECT_NE(message("dgx-h100", "rign").find("one of auto, ring, tree, nvls, nvls_tree, one_shot,"),
            std::string::npos);
  // Nothing to reduce on one rank, so that a sweep over widths may name what the others run.
  EXPECT_EQ(message("dgx-h100", "nvls}\n    parallel: {tp: 1"), "");
}

TEST(Refusal, UnknownNamesGetASuggestion) {
  const std::string model = refusal(changed(kDense, "qwen3-8b", "qwen3-8"));
  EXPECT_TRUE(model.starts_with("s.yaml:8: cases.a.model: qwen3-8: ")) << model;
  EXPECT_TRUE(model.find("did you mean qwen3-8b?") != std::string::npos) << model;
  const std::string node = refusal(changed(kDense, "dgx-h100", "dgx-h10"));
  EXPECT_TRUE(node.starts_with("s.yaml:9: cases.a.cluster.node: dgx-h10: ")) << node;
  EXPECT_TRUE(node.find("did you mean dgx-h100, ") != std::string::npos) << node;
  const std::string fabric =
      refusal(changed(kDense, "dgx-h100}", "dgx-h100, nodes: 2, fabric: fat-tre}"));
  EXPECT_TRUE(fabric.find("did you mean fat-tree?") != std::string::npos) << fabric;
  const std::string site = refusal(changed(kDense, "workload:", "site: germny\nworkload:"));
  EXPECT_TRUE(site.starts_with("s.yaml:3: site: germny: ")) << site;
  EXPECT_TRUE(site.find("did you mean germany?") != std::string::npos) << site;
}

TEST(Refusal, AllFaultsAtOnceInTheOrderOfTheFile) {
  const std::string text =
      changed(changed(kDense, "batch: 4", "batch: -4"), "output: 8", "output: x") +
      "    parallel: {tp: 3}\n    engine: vlm\nsweep: {b.x: [1]}\n";
  EXPECT_EQ(
      refusal(text),
      "s.yaml:4: workload.requests.static.batch: -4: a whole number from 1 to 10000000 expected\n"
      "s.yaml:5: workload.lengths.output: x: a whole number from 1 to 10000000 expected\n"
      "s.yaml:10: cases.a.parallel.tp: 3: tp 3 * attention_dp 1 * pp 1 * replicas 2 must equal "
      "the cluster's 8 devices; for 6 of the 8 devices of dgx-h100 set cluster.devices: 6\n"
      "s.yaml:10: cases.a.parallel.tp: 3: must divide the model's 32 attention heads: 1, 2, 4, 8\n"
      "s.yaml:10: cases.a.parallel.tp: 3: must divide the model's 8 KV heads (1, 2, 4, 8) or be "
      "a multiple of them\n"
      "s.yaml:11: cases.a.engine: vlm: unknown serving engine; did you mean vllm? "
      "shipped: llama.cpp, mlx, sglang, tensorrt-llm, vllm\n"
      "s.yaml:12: b.x: 1: no case or top-level key is called \"b\"; did you mean a?");
}

TEST(Refusal, AContradictionNamesItsLineAndTheRemedy) {
  EXPECT_EQ(
      refusal(changed(kMoe, "dgx-h100}", "dgx-h100, nodes: 6}") +
              "    parallel:\n      attention_dp: 48\n      ep: 48\n"),
      "s.yaml:12: cases.a.parallel.ep: 48: must divide the model's 128 experts: 1, 2, 4, 8, 16, "
      "32");
  EXPECT_EQ(refusal(kDense + "    parallel: {tp: 4, replicas: 3}\n"),
            "s.yaml:10: cases.a.parallel.replicas: 3: must be 2: tp 4 * attention_dp 1 * pp 1 = 4 "
            "devices a replica, the cluster has 8; nodes have 8 each");
  EXPECT_EQ(
      refusal(kMoe + "    parallel: {attention_dp: 8}\n    placement: {redundant_experts: 8}\n"),
      "s.yaml:11: cases.a.placement.redundant_experts: 8: must be 0 unless loads decide who gets a "
      "copy: policy eplb or coactivation, or rebalance_steps above 0");
  EXPECT_EQ(
      refusal(kDense + "    router: {tokens: uniform}\n"),
      "s.yaml:10: cases.a.router: given: the model is dense and has no router; leave this out");
}

TEST(Refusal, WrongLinesInASweptScenarioAreTheFilesOwn) {
  const std::string text =
      kDense + "    dtype: {weights: fp9}\nsweep:\n  a.cluster.nodes: [1, 2]\n";
  const std::string message = refusal(text);
  EXPECT_TRUE(message.starts_with("s.yaml:10: cases.a.dtype.weights: fp9: ")) << message;
}

TEST(Refusal, DimensionedFieldsNeedTheRightUnit) {
  const std::string horizon = "  horizon: 1 min\n";
  EXPECT_EQ(refusal(with_requests("{poisson: 8/s}", horizon)), "");
  for (const char* rate : {"8", "8 GB/s", "-8/s", "0/s", "nan/s", "inf/s", "1e999/s", "eight/s"}) {
    EXPECT_EQ(refusal(with_requests("{poisson: " + std::string(rate) + "}", horizon)),
              "s.yaml:4: workload.requests.poisson: " + std::string(rate) +
                  ": a rate with unit, e.g. 8/s or 30/min, greater than zero");
  }
  EXPECT_EQ(refusal(with_requests("{poisson: 1e200/s}", horizon)),
            "s.yaml:4: workload.requests.poisson: 1e200/s: at most 1e9/s expected");
  EXPECT_EQ(
      refusal(with_requests("{poisson: 1e7/s}", horizon)),
      "s.yaml:4: workload.requests.poisson: 1e7/s: at most 10000000 requests within the horizon");
  EXPECT_EQ(
      refusal(kDense + "    power_limit: 300\n"),
      "s.yaml:10: cases.a.power_limit: 300: a power with unit, e.g. 700 W, greater than zero");
  EXPECT_EQ(refusal(kDense + "    power_limit: 1e300 W\n"),
            "s.yaml:10: cases.a.power_limit: 1e300 W: at most 100 kW expected");
  EXPECT_EQ(
      refusal(kDense + "    power_limit: 100 W\n"),
      "s.yaml:10: cases.a.power_limit: 100 W: at least 140 W, which h100-sxm-80gb draws while "
      "it waits");
  EXPECT_EQ(refusal(kDense + "    power_limit: 1e-300 W\n").substr(0, 46),
            "s.yaml:10: cases.a.power_limit: 1e-300 W: at l");
  EXPECT_NE(refusal(kDense + "    rent_per_device: 1e300 USD/h\n"), "");
  EXPECT_NE(refusal(changed(kDense, "workload:", "site: {carbon: 1e300 gCO2e/kWh}\nworkload:")),
            "");
  EXPECT_NE(refusal(changed(kDense, "workload:", "site: {electricity: 5}\nworkload:")), "");
}

TEST(Refusal, AMissingHorizonIsToldOnlyWhenItIsMissing) {
  EXPECT_EQ(refusal(with_requests("{poisson: 8/s}")), "");
  EXPECT_EQ(refusal(with_requests("{poisson: 8/s}", "  measure: all\n")),
            "s.yaml:4: workload.horizon: missing: arrivals that are measured whole need a horizon, "
            "e.g. 10 min");
  EXPECT_EQ(
      refusal(with_requests("{poisson: 8/s}", "  horizon: 10\n")),
      "s.yaml:5: workload.horizon: 10: a time with unit, e.g. 50 ms, 2 s or 10 min, greater than "
      "zero");
}

TEST(Refusal, RequestsSayWhatTheyMayBe) {
  EXPECT_EQ(
      refusal(with_requests("{burst: 3}")),
      "s.yaml:4: workload.requests.burst: burst: unknown key; allowed: trace, poisson, gamma, "
      "users, closed_loop, static\n"
      "s.yaml:4: workload.requests: 0 of them: exactly one of trace, poisson, gamma, users, "
      "closed_loop, static expected");
  EXPECT_EQ(
      refusal(with_requests("static")),
      "s.yaml:4: workload.requests: static: one of {trace: FILE}, {poisson: 8/s}, {gamma: {rate: "
      "8/s, cv: 2}}, {users: {count: 300, think_time: 30 s}}, {closed_loop: 256}, {static: {batch: "
      "8}} expected");
  EXPECT_EQ(refusal(with_requests("{static: 4}")),
            "s.yaml:4: workload.requests.static: 4: a map such as {batch: 8} expected");
  EXPECT_EQ(refusal(with_requests("{trace: none.csv}")),
            "s.yaml:4: workload.requests.trace: none.csv: no such file\n"
            "s.yaml:5: workload.lengths: given: a trace brings its own lengths; leave this out");
}

TEST(Refusal, LengthsSayWhatTheyMayBe) {
  EXPECT_EQ(
      refusal(changed(kDense, "output: 8", "output: {lognormal: {mean: 500, p99: 100}}")),
      "s.yaml:5: workload.lengths.output.lognormal.p99: 100: a p99 from the mean (500) to 7484 "
      "expected");
  EXPECT_EQ(refusal(changed(kDense, "output: 8", "output: {lognormal: {mean: nan}}")),
            "s.yaml:5: workload.lengths.output.lognormal.mean: nan: a number from 1 to 10000000 "
            "expected\n"
            "s.yaml:5: workload.lengths.output.lognormal.p99: missing: a number from 1 to 10000000 "
            "expected");
  EXPECT_NE(refusal(changed(kDense, "output: 8", "output: {uniform: {min: 9, max: 3}}")), "");
  EXPECT_NE(refusal(changed(kDense, "output: 8", "output: 99999999999999999999")), "");
}

TEST(Refusal, SectionsOfTheWrongKindShowAnExample) {
  EXPECT_EQ(
      refusal(changed(kDense, "{node: dgx-h100}", "dgx-h100")),
      "s.yaml:9: cases.a.cluster: dgx-h100: a map such as {node: dgx-h100, nodes: 1} expected");
  EXPECT_EQ(refusal(kDense + "    dtype: fp8\n"),
            "s.yaml:10: cases.a.dtype: fp8: a map such as {weights: fp8, kv: bf16} expected");
  EXPECT_EQ(refusal(kMoe + "    router: uniform\n"),
            "s.yaml:10: cases.a.router: uniform: a map such as {tokens: calibrated} expected");
}

TEST(Refusal, MissingSectionsAreNamed) {
  EXPECT_EQ(refusal("schema: 1\n"),
            "s.yaml:1: name: missing: a name for the report\n"
            "s.yaml:1: workload: missing: a map such as {requests: ..., lengths: ...} expected\n"
            "s.yaml:1: cases: missing: a list of cases, each with name, model, cluster");
  EXPECT_EQ(refusal(changed(kDense, "schema: 1", "schema: 2")),
            "s.yaml:1: schema: 2: schema: 1 expected; no other is known");
  EXPECT_EQ(refusal(changed(kDense, "- name: a\n    model", "- model")),
            "s.yaml:7: cases[0].name: missing: a name for the report");
}

TEST(Refusal, CasesNeedNamesOfTheirOwn) {
  EXPECT_EQ(refusal(kDense + "  - {name: a, model: qwen3-8b, cluster: {node: dgx-h100}}\n"),
            "s.yaml:10: cases[1].name: a: another case has this name already");
  EXPECT_NE(refusal(changed(kDense, "name: a\n", "name: workload\n")), "");
  EXPECT_NE(refusal(changed(kDense, "name: a\n", "name: " + std::string(101, 'a') + "\n")), "");
  EXPECT_NE(refusal(changed(kDense, "name: a\n", "name: \"a\\nb\"\n")), "");
  EXPECT_NE(refusal(changed(kDense, "name: a\n", "name: \"a\\x1b[31m\"\n")), "");
  EXPECT_NE(refusal(changed(kDense, "name: a\n", "name: \"\"\n")), "");
  EXPECT_EQ(refusal(changed(kDense, "name: a\n", "name: \"quotes \\\" and ' and <b>, too\"\n")),
            "");
}

TEST(Refusal, SweepsMustLeadSomewhereWithinReason) {
  EXPECT_EQ(refusal(kDense + "sweep: {a.parallel.tp: []}\n"),
            "s.yaml:10: sweep.a.parallel.tp: an empty list: a list of at least one value expected");
  EXPECT_EQ(refusal(kDense + "sweep: {a.parallel.tp: 3}\n"),
            "s.yaml:10: sweep.a.parallel.tp: 3: a list of at least one value expected");
  EXPECT_EQ(refusal(kDense + "sweep: 3\n"),
            "s.yaml:10: sweep: 3: a map such as {moe.model.top_k: [2, 4]} expected");
  EXPECT_EQ(refusal(kDense + "sweep: {a.parallel.tpp: [1, 2]}\n"),
            "s.yaml:10: cases.a.parallel.tpp: tpp: unknown key; did you mean tp?");
  std::string hundred_and_one = "[1";
  for (int i = 2; i <= 101; ++i) hundred_and_one += "," + std::to_string(i);
  hundred_and_one += "]";
  EXPECT_EQ(refusal(kDense + "sweep: {a.parallel.tp: " + hundred_and_one +
                    ", a.parallel.pp: " + hundred_and_one + "}\n"),
            "s.yaml:10: sweep: 10201 points: at most 10000 points in one sweep");
  EXPECT_EQ(refusal(kDense + "sweep:\n"), "");
}

TEST(YamlTraps, NumbersAreDecimalAndPlain) {
  for (const char* number : {"1_000", "1e3", "0x10", "4.0", "+4", "four", "99999999999999999999"}) {
    EXPECT_EQ(refusal(changed(kDense, "batch: 4", "batch: " + std::string(number))),
              "s.yaml:4: workload.requests.static.batch: " + std::string(number) +
                  ": a whole number from 1 to 10000000 expected");
  }
  const Scenario leading_zero = read_text(changed(kDense, "batch: 4", "batch: 010"));
  EXPECT_EQ(leading_zero.cases.at(0).workload->requests.size(), 10u);  // Never octal.
}

TEST(YamlTraps, LineEndsAndByteOrderMarksAreNoMatter) {
  std::string windows;
  for (const char c : kDense) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(read_text("\xef\xbb\xbf" + windows).resolved, read_text(kDense).resolved);
}

TEST(YamlTraps, SyntaxIsExplained) {
  EXPECT_EQ(refusal(changed(kDense, "  requests", "\trequests")),
            "s.yaml:4: not valid YAML or JSON: indented by a tab; YAML allows spaces only");
  EXPECT_NE(refusal(changed(kDense, "batch: 4}", "batch: 4")).find("without its }"),
            std::string::npos);
  EXPECT_EQ(refusal(changed(kDense, "schema: 1\n", "schema: 1\nschema: 1\n")),
            "s.yaml:2: schema: given twice: a key may be given once");
  EXPECT_EQ(refusal(""), "s.yaml: the file is empty");
  EXPECT_EQ(refusal("# only a comment\n"), "s.yaml: the file is empty");
  EXPECT_EQ(refusal("hello\n"), "s.yaml:1: a scenario is a map that starts with schema: 1");
  EXPECT_NE(refusal(kDense + "---\n" + kDense).find("one document expected"), std::string::npos);
}

TEST(YamlTraps, AliasesAreRefusedBeforeTheyMultiply) {
  const std::string shared = changed(kDense, "cluster: {", "cluster: &c {") +
                             "  - {name: b, model: qwen3-8b, cluster: *c}\n";
  EXPECT_EQ(refusal(shared), "s.yaml:10: aliases (*name) are not supported; write the value out");
  EXPECT_NE(refusal("schema: &a [*a]\n"), "");
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 100; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            ", *a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(refusal(bomb), "");
  EXPECT_NE(refusal(kDense, {{"name", "&a [*a]"}}), "");
}

TEST(YamlTraps, DeepNestingIsRefused) {
  const std::string open(100'000, '[');
  const std::string close(100'000, ']');
  EXPECT_EQ(refusal(kDense + "question: " + open + close + "\n"),
            "s.yaml:10: lists and maps nested at most 50 deep expected");
  EXPECT_NE(refusal(open), "");
  EXPECT_NE(refusal(std::string(100'000, '-')), "");
  std::string maps;
  for (int i = 0; i < 100'000; ++i) maps += "{a: ";
  EXPECT_NE(refusal(maps), "");
  EXPECT_NE(refusal(kDense, {{"question", open + close}}), "");
}

TEST(YamlTraps, GarbageIsRefused) {
  EXPECT_EQ(refusal(std::string(10'000'000, 'x')),
            "s.yaml: 10000000 bytes: a file of at most 1000000 bytes expected");
  EXPECT_EQ(refusal(changed(kDense, "name: base", std::string("name: b\0se", 10))),
            "s.yaml:2: byte 0x00: text without control characters expected");
  EXPECT_EQ(refusal(changed(kDense, "name: base", "name: caf\xe9")),
            "s.yaml:2: not UTF-8; save the file as UTF-8 text");
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (int j = 0; j < 200; ++j) text += "abc: -[]{}\n\"'#&*!|>%@\t"[random() % 23];
    EXPECT_NE(refusal(text), "") << text;
  }
}

TEST(YamlTraps, AFloodOfFaultsIsCutShort) {
  std::string text = kDense;
  for (int i = 0; i < 500; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const std::string message = refusal(text);
  EXPECT_TRUE(message.ends_with("\ns.yaml: and 450 more faults")) << message.substr(0, 200);
}

// Cutting any file short, or spoiling one byte of it, gives an answer and no crash.
TEST(YamlTraps, TornAndSpoiltFilesAreAnswered) {
  const std::string whole = kMoe + "    parallel: {tp: 8}\nsweep: {a.model.top_k: [2, 4]}\n";
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    refused += !refusal(whole.substr(0, at)).empty();
    std::string spoilt = whole;
    spoilt[at] = "[]{}:&*!'\"\t\n#-"[at % 14];
    refused += !refusal(spoilt).empty();
  }
  EXPECT_GT(refused, 20);
}

// 32 requests keep 32 users busy, whatever the concurrency says.
TEST(Refusal, AClosedLoopHasARequestForEveryUser) {
  const auto with = [](const std::string& loop) {
    return changed(kDense, "{static: {batch: 4}}", "{closed_loop: " + loop + "}");
  };
  EXPECT_EQ(refusal(with("{concurrency: 128, requests: 32}")),
            "s.yaml:4: workload.requests.closed_loop.requests: 32: at least as many requests as "
            "users (128)");
  EXPECT_EQ(refusal(with("{concurrency: 4, requests: 8}") +
                    "sweep: {workload.requests.closed_loop.concurrency: [4, 8, 16]}\n"),
            "s.yaml:4: workload.requests.closed_loop.requests: 8: at least as many requests as "
            "users (16)");
  EXPECT_EQ(refusal(with("{concurrency: 128, requests: 128}")), "");
}

}  // namespace
}  // namespace moesim
