// The command line as a user feels it: exit codes, streams, files left behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/cli/outcome.h"

namespace moesim {
namespace {

using nlohmann::json;

const std::string kDense =
    "schema: 1\n"
    "name: base\n"
    "seed: 1\n"
    "workload:\n"
    "  requests: {closed_loop: {concurrency: 4, requests: 12}}\n"
    "  lengths: {input: {uniform: {min: 10, max: 60}}, output: {uniform: {min: 4, max: 12}}}\n"
    "cases:\n"
    "  - name: dense\n"
    "    model: qwen3-8b\n"
    "    cluster: {node: workstation-rtx-4090}\n";
const std::string kTwo = kDense +
                         "  - name: moe\n"
                         "    model: olmoe-1b-7b\n"
                         "    cluster: {node: workstation-rtx-4090}\n"
                         "    router: {bank_sequences: 16, bank_sequence_tokens: 16}\n";
// The first point takes a moment, the second minutes.
const std::string kLong =
    "schema: 1\n"
    "name: long\n"
    "workload:\n"
    "  requests: {static: {batch: 4}}\n"
    "  lengths: {input: 32, output: 4000}\n"
    "cases:\n"
    "  - {name: a, model: qwen3-8b, cluster: {node: dgx-h100}}\n"
    "sweep: {workload.requests.static.batch: [4, 1000000, 1000001]}\n";

const std::vector<std::string> kReportFiles = {"cases.csv", "report.html", "report.json"};

TEST(Usage, WrongCommandLinesExitWith2) {
  const Workplace place;
  place.write("a.yaml", kDense);
  expect_refusal(place, {}, 2, "a command expected: run, check");
  expect_refusal(place, {"rn", "a.yaml"}, 2, "rn: unknown command; did you mean run?");
  expect_refusal(place, {"run"}, 2, "FILE is required");
  expect_refusal(place, {"run", "a.yaml", "--bogus"}, 2, "--bogus");
  expect_refusal(place, {"run", "a.yaml", "--jobs", "0"}, 2, "--jobs");
  expect_refusal(place, {"run", "a.yaml", "--seed", "-1"}, 2, "--seed");
  expect_refusal(place, {"run", "a.yaml", "--set"}, 2, "--set");
  expect_refusal(place, {"check", "a.yaml", "a.yaml"}, 2, "FILE");
  expect_refusal(place, {"list", "modles"}, 2, "modles");
}

TEST(Usage, HelpAndVersionAreNoFaults) {
  const Workplace place;
  EXPECT_EQ(place.run({"--help"}).code, 0);
  EXPECT_EQ(place.run({"run", "--help"}).code, 0);
  EXPECT_TRUE(place.run({"--version"}).out.starts_with("moesim "));
}

TEST(BadInput, ExitsWith1AndWritesNothing) {
  const Workplace place;
  place.write("a.yaml", kDense + "    modle: x\n");
  place.write("good.yaml", kDense);
  expect_refusal(place, {"run", "a.yaml"}, 1, "a.yaml:11: cases.dense.modle: modle: unknown key");
  expect_refusal(place, {"run", "a.yaml", "--out", "o", "--json"}, 1, "a.yaml:11: ");
  expect_refusal(place, {"run", "good.yaml", "a.yaml"}, 1, "a.yaml:11: ");
  expect_refusal(place, {"check", "a.yaml"}, 1, "a.yaml:11: ");
  expect_refusal(place, {"run", "none.yaml"}, 1, "none.yaml: no such file");
  expect_refusal(place, {"run", "."}, 1, "a file expected, this is a folder");
  expect_refusal(place, {"run", "good.yaml", "--set", "x"}, 1, "path=value expected");
  expect_refusal(place, {"run", "good.yaml", "--set", "dense.parallel.tp=x"}, 1,
                 "--set: cases.dense.parallel.tp: x: a whole number");
  expect_refusal(place, {"run", "good.yaml", "./good.yaml"}, 1, "out/good already");
}

TEST(BadInput, ABadRowInTheMiddleOfATraceIsNamedByLine) {
  const Workplace place;
  place.write("a.yaml",
              "schema: 1\nname: t\nworkload: {requests: {trace: t.csv}}\ncases:\n"
              "  - {name: a, model: qwen3-8b, cluster: {node: workstation-rtx-4090}}\n");
  place.write("t.csv",
              "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.0,10,4\n"
              "2023-11-16 18:17:04.0,10,four\n2023-11-16 18:17:05.0,10,4\n");
  expect_refusal(place, {"run", "a.yaml"}, 1, "t.csv:3: GeneratedTokens: four: ");
}

TEST(BadInput, AnOutputFolderThatCannotBeWrittenIsToldBeforeTheWork) {
  const Workplace place;
  place.write("a.yaml", kDense);
  for (const char* folder : {"a.yaml", "a.yaml/below", "/proc/nowhere"}) {
    expect_refusal(place, {"run", "a.yaml", "--out", folder}, 1,
                   "the output folder cannot be written");
  }
}

// A full disk behind the pipe is no success.
TEST(Output, ThatDoesNotArriveExitsWith1) {
  const Workplace place;
  place.write("s.yaml", kDense);
  const std::vector<std::vector<std::string>> commands = {{"list", "models"},
                                                          {"show", "qwen3-8b"},
                                                          {"check", "s.yaml"},
                                                          {"schema", "scenario"},
                                                          {"man"}};
  for (const auto& words : commands) {
    const Outcome full =
        place.finish(place.start(words, {"sh", "-c", "exec \"$0\" \"$@\" > /dev/full"}));
    EXPECT_EQ(full.code, 1) << words.front();
    EXPECT_NE(full.err.find("standard output: cannot be written"), std::string::npos) << full.err;
  }
}

TEST(Run, WritesItsReportsAndRepeatsItselfByteByByte) {
  const Workplace place;
  place.write("a.yaml", kTwo);
  const Outcome first = place.run({"run", "a.yaml", "--out", "one", "--jobs", "1"});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.err, "");
  EXPECT_TRUE(contains(first.out, "Written to one"));
  EXPECT_EQ(place.names("one"), kReportFiles);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "two", "--jobs", "3", "--quiet"}).out, "");
  for (const std::string& name : kReportFiles) {
    EXPECT_TRUE(place.read("one/" + name) == place.read("two/" + name)) << name;
  }
  EXPECT_EQ(place.run({"run", "a.yaml", "--seed", "2", "--out", "other", "--quiet"}).code, 0);
  EXPECT_NE(place.read("one/cases.csv"), place.read("other/cases.csv"));
}

TEST(Run, PrintsTheReportAsJsonWhenAsked) {
  const Workplace place;
  place.write("a.yaml", kDense);
  const Outcome outcome = place.run({"run", "a.yaml", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, place.read("out/a/report.json"));
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("cases").size(), 1u);
  EXPECT_EQ(report.at("context").at("interrupted"), false);
}

TEST(Trace, IsValidJsonAndChangesNoReport) {
  const Workplace place;
  place.write("a.yaml", kTwo);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "plain", "--quiet"}).code, 0);
  const Outcome traced = place.run({"run", "a.yaml", "--out", "traced", "--trace"});
  EXPECT_EQ(traced.code, 0) << traced.err;
  EXPECT_TRUE(contains(traced.out, "trace.json"));
  for (const std::string& name : kReportFiles) {
    EXPECT_TRUE(place.read("plain/" + name) == place.read("traced/" + name)) << name;
  }
  const json trace = json::parse(place.read("traced/trace.json"));
  EXPECT_EQ(trace.at("otherData").at("cases").size(), 2u);
  EXPECT_GT(trace.at("traceEvents").size(), 1000u);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "again", "--trace", "--jobs", "1"}).code, 0);
  EXPECT_TRUE(place.read("again/trace.json") == place.read("traced/trace.json"));
}

TEST(Trace, ShowsNamedStepsAndRefusesOthers) {
  const Workplace place;
  place.write("a.yaml", kDense);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "one", "--quiet", "--trace-steps", "3:5"}).code,
            0);
  const json trace = json::parse(place.read("one/trace.json"));
  const json& shown = trace.at("otherData").at("cases").at(0).at("pools").at(0);
  EXPECT_EQ(shown.at("first_step"), 3);
  EXPECT_EQ(shown.at("last_step"), 4);
  for (const std::string wrong :
       {"5:3", "3", "a:b", ":", "-1:4", "3:5x", "0:99999999999999999999"}) {
    expect_refusal(place, {"run", "a.yaml", "--trace-steps=" + wrong}, 1, "e.g. 100:132");
  }
}

TEST(Run, TheResolvedScenarioOfAReportRerunsToTheSameNumbers) {
  const Workplace place;
  place.write("a.yaml", kTwo);
  const json report = json::parse(place.run({"run", "a.yaml", "--json"}).out);
  place.write("again.yaml", report.at("context").at("resolved_scenario"));
  EXPECT_EQ(place.run({"run", "again.yaml", "--out", "again", "--quiet"}).code, 0);
  EXPECT_EQ(place.read("again/report.json"), place.read("out/a/report.json"));
}

TEST(Run, NothingFeasibleExitsWith3AndSaysWhy) {
  const Workplace place;
  place.write("a.yaml", kDense);
  const Outcome outcome =
      place.run({"run", "a.yaml", "--set", "dense.model=llama-2-70b", "--json"});
  EXPECT_EQ(outcome.code, 3) << outcome.err;
  const json one = json::parse(outcome.out).at("cases").at(0);
  EXPECT_EQ(one.at("status"), "infeasible");
  EXPECT_TRUE(contains(one.at("reason"), "GiB"));
}

// Waits until the program simulates its second point: its child is another one than before, or has
// worked for much longer than the first point takes. False if none was seen.
bool second_child_runs(pid_t program, pid_t& second) {
  using Clock = std::chrono::steady_clock;
  pid_t first = 0;
  Clock::time_point since;
  const auto start = Clock::now();
  while (Clock::now() - start < std::chrono::seconds(30)) {
    for (const pid_t child : children_of(program)) {
      if (first == 0) since = Clock::now();
      if (first == 0) first = child;
      second = child;
    }
    if (first != 0 && (second != first || Clock::now() - since > std::chrono::seconds(4)))
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

TEST(Interrupt, KeepsWhatIsFinishedAndLeavesNothingBehind) {
  const Workplace place;
  place.write("a.yaml", kLong);
  const pid_t program = place.start({"run", "a.yaml", "--out", "o", "--jobs", "1"});
  pid_t child = 0;
  ASSERT_TRUE(second_child_runs(program, child));
  kill(-program, SIGINT);  // The whole group, as a terminal does.
  EXPECT_EQ(place.finish(program).code, 130);
  EXPECT_FALSE(is_running(child));
  EXPECT_EQ(place.names("o"),
            (std::vector<std::string>{"cases.csv", "report.html", "report.json", "sweep.db"}));
  const json report = json::parse(place.read("o/report.json"));
  EXPECT_EQ(report.at("context").at("interrupted"), true);
  EXPECT_EQ(report.at("cases").at(0).at("status"), "done");
  EXPECT_EQ(report.at("cases").at(1).at("status"), "skipped");
}

TEST(Interrupt, AChildDoesNotOutliveItsKilledParent) {
  const Workplace place;
  place.write("a.yaml", kLong);
  const pid_t program = place.start({"run", "a.yaml", "--out", "o", "--jobs", "1"});
  pid_t child = 0;
  ASSERT_TRUE(second_child_runs(program, child));
  kill(program, SIGKILL);
  EXPECT_EQ(place.finish(program).code, 128 + SIGKILL);
  for (int i = 0; i < 500 && is_running(child); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_FALSE(is_running(child));
  kill(-program, SIGKILL);  // What a failure would leave behind.
}

TEST(Check, PrintsTheResolvedScenarioAndTheMemory) {
  const Workplace place;
  place.write("a.yaml", kTwo + "sweep: {moe.parallel.tp: [1, 2]}\n");
  const Outcome outcome = place.run({"check", "a.yaml"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "memory_utilization: "));
  EXPECT_TRUE(contains(outcome.out, "KV tokens, one DP rank"));
  EXPECT_TRUE(contains(outcome.out, "moe at moe.parallel.tp = 2 cannot run: ")) << outcome.out;
  EXPECT_EQ(place.names(), std::vector<std::string>{"a.yaml"});
}

TEST(List, NamesModelsHardwareAndMetrics) {
  const Workplace place;
  EXPECT_TRUE(contains(place.run({"list", "models"}).out, "qwen3-8b\n"));
  EXPECT_TRUE(contains(place.run({"list", "hardware"}).out, "  dgx-h100\n"));
  EXPECT_TRUE(contains(place.run({"list", "metrics"}).out, "requests_completed "));
}

TEST(Show, AModelHasItsParametersAsNumbers) {
  const Workplace place;
  const Outcome outcome = place.run({"show", "olmoe-1b-7b", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const json card = json::parse(outcome.out);
  EXPECT_NEAR(card.at("params_total").get<double>(), 6.9e9, 0.1e9);   // "1B-7B": 6.9 B of which
  EXPECT_NEAR(card.at("params_active").get<double>(), 1.3e9, 0.1e9);  // 1.3 B are active.
  // 16 layers * (K + V) * 2048 channels * 2 bytes.
  EXPECT_EQ(card.at("kv_bytes_per_token"), 16 * 2 * 2048 * 2);
}

TEST(Show, AConfigByItsPathIsTheSameModel) {
  const Workplace place;
  std::ifstream config("models/catalog/olmoe-1b-7b.json");
  place.write("olmoe-1b-7b.json", std::string(std::istreambuf_iterator<char>(config), {}));
  EXPECT_EQ(place.run({"show", "olmoe-1b-7b.json", "--json"}).out,
            place.run({"show", "olmoe-1b-7b", "--json"}).out);
}

TEST(Show, ADeviceNamesItsSources) {
  const Workplace place;
  const Outcome text = place.run({"show", "h100-sxm-80gb"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_TRUE(contains(text.out, "989.4 TFLOP/s"));
  const json facts = json::parse(place.run({"show", "h100-sxm-80gb", "--json"}).out);
  for (const auto& [key, fact] : facts.items()) EXPECT_NE(fact.at("source"), "") << key;
}

TEST(Show, AnUnknownNameGetsASuggestion) {
  const Workplace place;
  expect_refusal(place, {"show", "h100-sxm-80g"}, 1, "did you mean h100-sxm-80gb, ");
  expect_refusal(place, {"show", "qwen3-8"}, 1, "did you mean qwen3-8b?");
  expect_refusal(place, {"show", "./none.json"}, 1, "./none.json: no such file");
}

TEST(Options, AFormerNameIsReadAndNotShown) {
  const Workplace place;
  const Outcome both = place.run({"run", "a.yaml", "--draws", "0", "--samples", "0"});
  EXPECT_EQ(both.code, 2);
  EXPECT_NE(both.err.find("--samples"), std::string::npos) << both.err;
  EXPECT_EQ(place.run({"run", "a.yaml", "--draws", "1001"}).code, 2);
  EXPECT_EQ(place.run({"run", "a.yaml", "--draws", "0"}).code, 1);  // No such file; no usage fault.
  const Outcome help = place.run({"run", "--help"});
  EXPECT_NE(help.out.find("--samples"), std::string::npos);
  EXPECT_EQ(help.out.find("--draws"), std::string::npos);
}

}  // namespace
}  // namespace moesim
