#include "scenarios/format/trace/trace.h"

#include <gtest/gtest.h>

#include "base/input_error.h"
#include "tests/scenarios/trace_fault.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

const std::string kHeader = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

TEST(Trace, ReadsAzureColumnsFromTheFirstArrival) {
  const TemporaryFile file("t.csv", kHeader +
                                        "2023-11-16 18:17:03.9799600,4808,10\n"
                                        "2023-11-16 18:17:05.4799600,3180,8\n");
  const auto requests = read_trace(file.path(), {}).requests;
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_DOUBLE_EQ(requests[0].arrival.value(), 0);
  EXPECT_NEAR(requests[1].arrival.value(), 1.5, 1e-6);
  EXPECT_EQ(requests[1].input_tokens, 3180);
  EXPECT_EQ(requests[1].output_tokens, 8);
}

TEST(Trace, MidnightIsNoStepBack) {
  const TemporaryFile file("t.csv", kHeader +
                                        "2023-12-31 23:59:59.0000000,1,1\n"
                                        "2024-01-01 00:00:01.0000000,1,1\n");
  EXPECT_NEAR(read_trace(file.path(), {}).requests[1].arrival.value(), 2, 1e-6);
}

TEST(Trace, ReadsMooncakeLines) {
  const TemporaryFile file(
      "t.jsonl",
      "{\"timestamp\": 3000, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0]}\n"
      "{\"timestamp\": 3027, \"input_length\": 12, \"output_length\": 1, \"hash_ids\": []}\n");
  const auto requests = read_trace(file.path(), {}).requests;
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_NEAR(requests[1].arrival.value(), 0.027, 1e-12);
  EXPECT_EQ(requests[0].input_tokens, 6758);
}

TEST(Trace, LimitKeepsTheFirst) {
  const TemporaryFile file("t.csv", kHeader +
                                        "2023-11-16 18:17:03.0,1,1\n"
                                        "2023-11-16 18:17:04.0,2,1\n");
  EXPECT_EQ(read_trace(file.path(), {.limit = 1}).requests.size(), 1u);
}

TEST(Trace, BadRowsInTheMiddleAreNamedByLine) {
  EXPECT_EQ(fault_of("t.csv", kHeader + "2023-11-16 18:17:03.0,10,10\n"
                                        "2023-11-16 18:17:04.0,ten,10\n"
                                        "2023-11-16 18:17:05.0,10\n"
                                        "yesterday,10,-3\n"
                                        "2023-11-16 18:17:06.0,10,10\n"),
            "t.csv:3: ContextTokens: ten: a whole number of tokens from 1 to 10000000 expected\n"
            "t.csv:4: 2 columns: the 3 columns of the header expected\n"
            "t.csv:5: GeneratedTokens: -3: a whole number of tokens from 1 to 10000000 expected\n"
            "t.csv:5: TIMESTAMP: yesterday: a time such as 2023-11-16 18:17:03.9799600, with an "
            "offset or without, expected");
}

TEST(Trace, RowsOutOfOrderAreRefused) {
  EXPECT_EQ(fault_of("t.csv", kHeader + "2023-11-16 18:17:04.0,10,10\n"
                                        "2023-11-16 18:17:03.0,10,10\n"),
            "t.csv:3: -1 s after the first request: rows must be in order of time");
}

TEST(Trace, EmptyTracesAreRefused) {
  EXPECT_EQ(fault_of("t.csv", ""), "t.csv: empty: a file with data");
  EXPECT_EQ(fault_of("t.csv", kHeader), "t.csv: the trace holds no requests");
  EXPECT_EQ(fault_of("t.jsonl", "\n"), "t.jsonl: the trace holds no requests");
}

TEST(Trace, WrongHeaderAndFormatAreRefused) {
  EXPECT_EQ(
      fault_of("t.csv", "time,in,out\n1,2,3\n"),
      "t.csv:2: in, out, time: the columns of a known format expected: TIMESTAMP, "
      "ContextTokens, GeneratedTokens (Azure); Timestamp, Request tokens, Response tokens "
      "(BurstGPT); chat_id, timestamp, input_length, output_length (Qwen-Bailian); timestamp, "
      "input_length, output_length (Mooncake); metadata.request_start_ns, metrics (AIPerf); "
      "conversations (ShareGPT); name those of others with columns: {timestamp: NAME, "
      "input_tokens: NAME, output_tokens: NAME}");
  EXPECT_EQ(fault_of("t.txt", "x"), "t.txt: a trace ends in .csv, .jsonl or .json");
}

TEST(Trace, BadJsonLinesAreNamed) {
  EXPECT_EQ(fault_of("t.jsonl",
                     "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1}\n"
                     "{\"timestamp\": 0, \"input_length\": 1\n"
                     "{\"timestamp\": 0, \"input_length\": 1.5}\n"),
            "t.jsonl:2: one JSON object per line expected\n"
            "t.jsonl:3: output_length: missing: a whole number of tokens from 1 to 10000000 "
            "expected\n"
            "t.jsonl:3: input_length: 1.5: a whole number of tokens from 1 to 10000000 expected");
}

TEST(Trace, QuotesAndBlankLinesAreNoMatter) {
  const TemporaryFile file("t.csv", kHeader + "\"2023-11-16 18:17:03\",\"5\",6\r\n\n");
  const auto requests = read_trace(file.path(), {}).requests;
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].input_tokens, 5);
}

TEST(Trace, TimesThatNoClockShowsAreRefused) {
  for (const char* time :
       {"2023-11-16 25:00:00", "2023-11-16 10:60:00", "2023-11-16 10:00:60", "2023-11-16",
        "2023-11-16 1", "2023-02-31 10:00:00", "2023-11-16 10:00:00+", "2023-11-16 10:00:00+1:00",
        "2023-11-16 10:00:00+25:00", "2023-11-16 -1:00:00", "1399-12-31 10:00:00"}) {
    EXPECT_NE(fault_of("t.csv", kHeader + time + ",1,1\n"), "") << time;
  }
}

TEST(Trace, EndlessLinesAndNestingAreRefused) {
  EXPECT_EQ(fault_of("t.csv", kHeader + std::string(20'000'000, 'x') + "\n"),
            "t.csv:2: 1 column: the 3 columns of the header expected");
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_EQ(
      fault_of("t.jsonl",
               "{\"timestamp\": 0, \"input_length\": " + deep + ", \"output_length\": 1}\n"),
      "t.jsonl:1: input_length: a list: a whole number of tokens from 1 to 10000000 expected");
}

TEST(Trace, TheAzureConversationHourIsRead) {
  const std::string file = "../shared/data/traces/AzureLLMInferenceTrace_conv_2023.csv";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  EXPECT_EQ(read_trace(file, {}).requests.size(), 19366u);
}

}  // namespace
}  // namespace moesim
