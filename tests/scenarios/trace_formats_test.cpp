// One short trace for each published format, and one for each way to be wrong.
#include <gtest/gtest.h>

#include "base/input_error.h"
#include "scenarios/format/trace/trace.h"
#include "tests/scenarios/trace_fault.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

Trace trace_of(const std::string& name, const std::string& text, const TracePart& part = {}) {
  const TemporaryFile file(name, text);
  return read_trace(file.path(), part);
}

using Notes = std::vector<std::string>;

TEST(TraceFormats, AzureOf2024HasAnOffset) {
  const Trace trace = trace_of("t.csv",
                               "TIMESTAMP,ContextTokens,GeneratedTokens\n"
                               "2024-05-10 00:00:00.009930+00:00,2162,5\n"
                               "2024-05-10 00:00:01+00:00,2399,6\n"
                               "2024-05-10T00:00:02Z,1,1\n");
  ASSERT_EQ(trace.requests.size(), 3u);
  EXPECT_NEAR(trace.requests[1].arrival.value(), 0.99007, 1e-6);
  EXPECT_NEAR(trace.requests[2].arrival.value(), 1.99007, 1e-6);
  EXPECT_EQ(trace.requests[0].input_tokens, 2162);
  EXPECT_TRUE(trace.notes.empty());
}

TEST(TraceFormats, MixedOffsetsAreRefusedByLine) {
  const std::string header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  EXPECT_EQ(
      fault_of("t.csv", header + "2024-05-10 00:00:00+00:00,1,1\n"
                                 "2024-05-10 02:00:01+02:00,1,1\n"
                                 "2024-05-10 00:00:02,1,1\n"),
      "t.csv:3: TIMESTAMP: 2024-05-10 02:00:01+02:00: the offset +00:00 of the first time "
      "expected\n"
      "t.csv:4: TIMESTAMP: 2024-05-10 00:00:02: the offset +00:00 of the first time expected");
  EXPECT_EQ(fault_of("t.csv", header + "2024-05-10 00:00:00,1,1\n2024-05-10 00:00:01Z,1,1\n"),
            "t.csv:3: TIMESTAMP: 2024-05-10 00:00:01Z: a time without an offset, as the first one, "
            "expected");
}

TEST(TraceFormats, BurstGptCountsFailedRowsAndNamesItsColumns) {
  const Trace trace = trace_of(
      "t.csv",
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log "
      "Type\n"
      "5.0,,1,ChatGPT,472,18,490,API log\n"
      "45.5,a1,2,GPT-4,1087,0,1087,Conversation log\n"
      "118,a1,2,GPT-4,417,276,693,Conversation log\n");
  ASSERT_EQ(trace.requests.size(), 2u);
  EXPECT_DOUBLE_EQ(trace.requests[1].arrival.value(), 113);
  EXPECT_EQ(trace.requests[1].input_tokens, 417);
  EXPECT_EQ(trace.requests[1].output_tokens, 276);
  EXPECT_EQ(
      trace.notes,
      Notes({"1 of 3 rows left out (failed)",
             "not used: Session ID (a request does not wait for the turn before it); Model "
             "(all requests go to the model of the case); Log Type (all kinds of requests are "
             "served alike); Total tokens (the sum of both); Elapsed time (results of the "
             "recorded run)"}));
}

TEST(TraceFormats, MooncakeCountsMilliseconds) {
  const Trace trace = trace_of(
      "t.jsonl", R"({"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0]})"
                 "\n"
                 R"({"timestamp": 3027, "input_length": 9, "output_length": 2, "hash_ids": []})");
  EXPECT_DOUBLE_EQ(trace.requests.at(1).arrival.value(), 3.027);
  EXPECT_EQ(trace.notes, Notes({"not used: hash_ids (prefix caching is not modelled)"}));
  EXPECT_EQ(fault_of("t.jsonl", R"({"timestamp": 1.5, "input_length": 1, "output_length": 1})"),
            "t.jsonl:1: timestamp: 1.5: a whole number of milliseconds from 0 to 1e+13 expected");
  EXPECT_EQ(fault_of("t.jsonl", R"({"timestamp": "5", "input_length": 1, "output_length": 1})"),
            "t.jsonl:1: timestamp: 5: a whole number of milliseconds from 0 to 1e+13 expected");
}

TEST(TraceFormats, BailianCountsSeconds) {
  const Trace trace = trace_of(
      "t.jsonl",
      R"({"chat_id": 1, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 521, "output_length": 132, "type": "text", "turn": 1, "hash_ids": [10]})"
      "\n"
      R"({"chat_id": 2, "parent_chat_id": 1, "timestamp": 63, "input_length": 700, "output_length": 5, "type": "text", "turn": 2, "hash_ids": [10]})");
  EXPECT_NEAR(trace.requests.at(1).arrival.value(), 1.886, 1e-9);
  EXPECT_EQ(trace.notes,
            Notes({"not used: hash_ids (prefix caching is not modelled); chat_id, parent_chat_id, "
                   "turn (a request does not wait for the turn before it); type (all kinds of "
                   "requests are served alike)"}));
}

// A record of AIPerf that starts at a second.
std::string record(int second, const std::string& rest) {
  return R"({"metadata": {"request_start_ns": )" + std::to_string(1759813207 + second) +
         R"(000000000, "worker_id": "w", )" + rest + "}\n";
}

TEST(TraceFormats, AiperfIsSortedByItsStarts) {
  const std::string served =
      R"("benchmark_phase": "profiling", "was_cancelled": false}, "metrics": {)"
      R"("input_sequence_length": {"value": 550, "unit": "tokens"}, )"
      R"("output_sequence_length": {"value": 9, "unit": "tokens"}, )"
      R"("request_latency": {"value": 297.5, "unit": "ms"}}, "error": null)";
  const std::string text =
      record(7, served) + record(2, served) +
      record(0, R"("benchmark_phase": "warmup"}, "metrics": {}, "error": null)") +
      record(3, R"("was_cancelled": true}, "metrics": {"error_isl": {"value": 5}}, )"
                R"("error": {"code": 499, "type": "RequestCancellationError"})");
  const Trace trace = trace_of("t.jsonl", text);
  ASSERT_EQ(trace.requests.size(), 2u);
  EXPECT_DOUBLE_EQ(trace.requests[0].arrival.value(), 0);
  EXPECT_NEAR(trace.requests[1].arrival.value(), 5, 1e-6);
  EXPECT_EQ(trace.requests[0].input_tokens, 550);
  EXPECT_EQ(trace.requests[0].output_tokens, 9);
  EXPECT_EQ(trace.notes,
            Notes({"1 of 4 rows left out (failed)", "1 of 4 rows left out (warm-up)",
                   "not used: metrics.error_isl, metrics.request_latency (results of the recorded "
                   "run); metadata.worker_id (names and times of the recorded run)"}));
  const Trace first = trace_of("t.jsonl", text, {.limit = 1});
  EXPECT_EQ(first.requests.size(), 1u);
}

TEST(TraceFormats, ShareGptEstimatesTokensOfTheFirstTwoTurns) {
  const std::string text =
      "[{\"id\": \"a\", \"conversations\": [{\"from\": \"human\", \"value\": \"" +
      std::string(400, 'x') + "\"},\n{\"from\": \"gpt\", \"value\": \"" + std::string(20, 'y') +
      "\"}, {\"from\": \"human\", \"value\": \"more\"}]},\n"
      "{\"id\": \"b\", \"conversations\": []}]\n";
  const Trace trace = trace_of("t.json", text);
  ASSERT_EQ(trace.requests.size(), 1u);
  EXPECT_EQ(trace.requests[0].input_tokens, 100);
  EXPECT_EQ(trace.requests[0].output_tokens, 5);
  EXPECT_FALSE(trace.has_times);
  EXPECT_FALSE(trace.has_tokens);
  ASSERT_EQ(trace.notes.size(), 4u);
  EXPECT_EQ(trace.notes[0], "1 of 2 rows left out (no answer)");
  EXPECT_TRUE(trace.notes[1].ends_with("; later turns are not used (1)")) << trace.notes[1];
  EXPECT_TRUE(trace.notes[2].starts_with("tokens are estimated, one for 4 characters (OpenAI"));
  EXPECT_EQ(trace.notes[3], "not used: id (names and times of the recorded run)");
  const Trace given = trace_of("t.json", text, {.characters_per_token = 2});
  EXPECT_EQ(given.requests[0].input_tokens, 200);
}

TEST(TraceFormats, CharactersOfOtherScriptsCountOnce) {
  const Trace trace =
      trace_of("t.json", R"([{"conversations": [{"value": "ééééé文文文"}, {"value": "ok"}]}])",
               {.characters_per_token = 1});
  EXPECT_EQ(trace.requests[0].input_tokens, 8);
  EXPECT_EQ(trace.requests[0].output_tokens, 2);
}

TEST(TraceFormats, EstimatesAreDrawnWithinTheirRange) {
  const std::string text = "[{\"conversations\": [{\"value\": \"" + std::string(10'000, 'x') +
                           "\"}, {\"value\": \"y\"}]}]";
  const TemporaryFile file("t.json", text);
  const auto tokens = [&](std::int64_t sample) {
    return read_trace(file.path(), {}, {7, sample, 8}).requests[0].input_tokens;
  };
  EXPECT_NE(tokens(1), tokens(2));
  for (std::int64_t sample = 1; sample <= 8; ++sample) {
    EXPECT_GE(tokens(sample), 2000);
    EXPECT_LE(tokens(sample), 3031);
  }
}

TracePart named(const std::string& timestamp, std::optional<TimeUnit> unit = {},
                const std::string& status = "") {
  TracePart part;
  part.columns = TraceColumns{timestamp, "in", "out", status};
  part.time_unit = unit;
  return part;
}

TEST(TraceFormats, AnyColumnsByTheirNames) {
  const std::string text =
      "when;x,in,out,code,tier\n"
      "1759813207000,374.0,44,200,gold\n"
      "1759813208500,10,,500,\n"
      "1759813209000,\"1087\",7,200,\"a, \"\"b\"\"\nc\"\n";
  const Trace trace = trace_of("t.csv", text, named("when;x", TimeUnit::kMilliseconds, "code"));
  ASSERT_EQ(trace.requests.size(), 2u);
  EXPECT_NEAR(trace.requests[1].arrival.value(), 2, 1e-6);
  EXPECT_EQ(trace.requests[0].input_tokens, 374);
  EXPECT_EQ(trace.requests[1].input_tokens, 1087);
  EXPECT_EQ(trace.notes,
            Notes({"1 of 3 rows left out (failed)", "not used: tier (no meaning known)"}));
}

TEST(TraceFormats, ColumnsMayBeDatesOrTimesMayBeMissing) {
  const std::string text = "at,in,out\n2024-01-01 00:00:00,5,6\n2024-01-01 00:00:02.5,5,6\n";
  EXPECT_DOUBLE_EQ(trace_of("t.csv", text, named("at")).requests.at(1).arrival.value(), 2.5);
  const Trace trace = trace_of("t.csv", text, named(""));
  EXPECT_FALSE(trace.has_times);
  EXPECT_EQ(trace.requests.at(1).arrival.value(), 0);
  EXPECT_EQ(trace.notes, Notes({"not used: at (no meaning known)"}));
}

TEST(TraceFormats, ColumnsMayLieInsideObjects) {
  TracePart part;
  part.columns = TraceColumns{"", "usage.prompt", "usage.completion", "ok"};
  const Trace trace = trace_of(
      "t.jsonl", R"({"ok": true, "usage": {"prompt": 5, "completion": 6, "cached": 3}})", part);
  EXPECT_EQ(trace.requests.at(0).output_tokens, 6);
  EXPECT_EQ(trace.notes, Notes({"not used: usage.cached (no meaning known)"}));
}

TEST(TraceFormats, WrongColumnsAreNamed) {
  const std::string text = "at,in,out\n7,5,6\n";
  EXPECT_EQ(fault_of("t.csv", text, named("when", TimeUnit::kSeconds, "code")),
            "t.csv:2: when: no such column: one of this file's columns expected: at, in, out\n"
            "t.csv:2: code: no such column: one of this file's columns expected: at, in, out");
  EXPECT_EQ(
      fault_of("t.csv", text, named("at")),
      "t.csv:2: at: 7: a time such as 2023-11-16 18:17:03.9799600, with an offset or without, "
      "expected; numbers need a time_unit beside columns");
  EXPECT_EQ(fault_of("t.csv", "at,in,out\n-7,5,6\n", named("at", TimeUnit::kSeconds)),
            "t.csv:2: at: -7: a number of seconds from 0 to 1e+10 expected");
  EXPECT_EQ(fault_of("t.csv", "at,in,out\n9,5,6\n7,5,6\n", named("at", TimeUnit::kSeconds)),
            "t.csv:3: -2 s after the first request: rows must be in order of time");
  EXPECT_TRUE(fault_of("t.csv", "in,out,code\n5,6,perhaps\n", named("", {}, "code"))
                  .starts_with("t.csv:2: code: perhaps: a status expected: 200 to 299, ok, "));
  EXPECT_EQ(fault_of("t.csv", "in,in,out\n5,5,6\n", named("")),
            "t.csv:1: \"in\": every column of the header once expected");
}

TEST(TraceFormats, ByteOrderMarksAreNoMatter) {
  const std::string mark = "\xEF\xBB\xBF";
  const std::string row = R"({"timestamp": 0, "input_length": 5, "output_length": 6})";
  EXPECT_EQ(trace_of("t.json", mark + "[" + row + "]").requests.size(), 1u);
  EXPECT_EQ(trace_of("t.jsonl", mark + row).requests.size(), 1u);
  EXPECT_EQ(trace_of("t.csv", mark + "in,out\r\n5,6\r\n", named("")).requests.size(), 1u);
}

TEST(TraceFormats, ListsOfColumnsAreCapped) {
  std::string header = "c0", row = "1";
  for (int i = 1; i < 30; ++i) {
    header += ",c" + std::to_string(i);
    row += ",1";
  }
  const std::string fault = fault_of("t.csv", header + "\n" + row + "\n");
  EXPECT_NE(fault.find(" and 18 more: the columns of a known"), std::string::npos) << fault;
  EXPECT_LT(fault.size(), 700u);
}

TEST(TraceFormats, NegativePausesAreRefusedThoughNotUsed) {
  EXPECT_EQ(fault_of("t.jsonl",
                     R"({"timestamp": 0, "input_length": 1, "output_length": 1, "delay": -5})"),
            "t.jsonl:1: delay: -5: a time of at least 0 expected");
}

TEST(TraceFormats, AllRowsThatFailedAreNoTrace) {
  EXPECT_EQ(fault_of("t.csv", "Timestamp,Request tokens,Response tokens\n1,5,0\n2,6,0\n"),
            "t.csv: 2 of 2 rows left out (failed): the trace holds no requests");
}

TEST(TraceFormats, FaultsAreCapped) {
  std::string text = "Timestamp,Request tokens,Response tokens\n";
  for (int i = 0; i < 30; ++i) text += "1,ten,5\n";
  const std::string fault = fault_of("t.csv", text);
  EXPECT_EQ(std::ranges::count(fault, '\n'), 20);
  EXPECT_TRUE(fault.ends_with("and 10 more faults")) << fault;
}

TEST(TraceFormats, BrokenFilesAreNamedByLine) {
  EXPECT_EQ(fault_of("t.csv", "Timestamp,Request tokens,Response tokens\n1,5,\"6\n"),
            "t.csv:2: the quote is never closed");
  EXPECT_EQ(fault_of("t.json", "[\n{\"timestamp\": 0"),
            "t.json:2: a list of JSON objects expected");
  EXPECT_EQ(fault_of("t.json", "[\n{\"a\": tru}]"), "t.json:2: a JSON object expected");
  EXPECT_EQ(fault_of("t.json", "7"), "t.json:1: a list of JSON objects expected");
  EXPECT_EQ(fault_of("t.json", R"([{"conversations": [{"value": 5}, {}]}])"),
            "t.json:1: conversations: a turn without text: a list of {from: human or gpt, value: "
            "TEXT} expected\n"
            "t.json:1: conversations: a turn without text: a list of {from: human or gpt, value: "
            "TEXT} expected");
}

}  // namespace
}  // namespace moesim
