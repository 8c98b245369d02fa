// Reading tables of published measurements: what is recognised, what is refused, and where.
#include <gtest/gtest.h>

#include "scenarios/validate/truth/truth_table.h"
#include "tests/scenarios/validate/truth_text.h"

namespace moesim {
namespace {

struct Read {
  std::optional<TruthTable> table;
  std::string faults;  // One per line.
};

Read read(const std::string& text) {
  Faults faults;
  Read result{read_truth_text(text, "t.csv", faults), ""};
  for (const Fault& fault : faults.all()) result.faults += fault.text() + "\n";
  return result;
}

Read read_serving(const Cells& changes) {
  return read(table_text(Topic::kServing, {kClosedLoop, with(kClosedLoop, changes)}));
}

std::string without_column(std::string text, const std::string& column) {
  const std::size_t at = text.find("," + column + ",");
  return text.replace(at, column.size() + 2, ",spare,");
}

TEST(TruthTable, TellsEachTopicByItsHeader) {
  for (int topic = 0; topic < kNumTopics; ++topic) {
    const Read result = read(table_text(static_cast<Topic>(topic), {{{"id", "a"}}}));
    ASSERT_TRUE(result.table) << result.faults;
    EXPECT_EQ(topic_name(result.table->topic), topic_name(static_cast<Topic>(topic)));
  }
}

TEST(TruthTable, ReadsCellsAsTextNumberAndCount) {
  const Read result = read_serving({{"id", "b"}, {"osl", "291.72"}, {"notes", "\"a, \"\"b\"\"\""}});
  EXPECT_EQ(result.faults, "");
  const TruthRow& row = result.table->rows.at(1);
  EXPECT_EQ(row.text("notes"), "a, \"b\"");
  EXPECT_DOUBLE_EQ(*row.number("osl"), 291.72);
  EXPECT_EQ(*row.count("osl"), 292);
  EXPECT_FALSE(row.number("kv_len"));
  EXPECT_EQ(row.line(), 3);
}

TEST(TruthTable, AcceptsWindowsLineEndsAndAByteOrderMark) {
  std::string text = "\xEF\xBB\xBF" + table_text(Topic::kServing, {kClosedLoop});
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) {
    text.insert(at, "\r");
  }
  const Read result = read(text);
  EXPECT_EQ(result.faults, "");
  EXPECT_EQ(result.table->rows.at(0).text("series"), "s");
}

TEST(TruthTable, ABadNumberIsNamedWithLineAndColumnAndTheOtherRowsAreKept) {
  for (const char* number : {"eight", "8x", "-8", "nan", "inf", "1e400", "8.5", "99999999"}) {
    const Read result = read_serving({{"id", "b"}, {"tp", number}});
    EXPECT_EQ(result.faults.rfind("t.csv:3: tp: ", 0), 0u) << number << ": " << result.faults;
    EXPECT_EQ(result.table->rows.at(0).fault(), "");
    EXPECT_NE(result.table->rows.at(1).fault(), "");
  }
}

TEST(TruthTable, AWrongUnitIsNamed) {
  const Read result = read_serving({{"id", "b"}, {"unit", "ms"}});
  EXPECT_EQ(result.faults, "t.csv:3: unit: ms: tpot_s is given in s\n");
}

TEST(TruthTable, ARowNeedsAnIdAMetricAndAValue) {
  for (const char* column : {"id", "metric", "value"}) {
    const Read result = read_serving(with({{"id", "b"}}, {{column, ""}}));
    EXPECT_EQ(result.faults.rfind(std::string("t.csv:3: ") + column, 0), 0u) << result.faults;
  }
}

TEST(TruthTable, AnIdGivenTwiceIsNamed) {
  EXPECT_EQ(read_serving({}).faults, "t.csv:3: id: a: is given twice\n");
}

TEST(TruthTable, ATruncatedLineAndAnOpenQuoteAreNamed) {
  const std::string whole = table_text(Topic::kServing, {kClosedLoop});
  const Read cut = read(whole + "b,llama-3.1-8b,h100-s");
  EXPECT_NE(cut.faults.find("t.csv:3: b,llama-3.1-8b,h100-s: 42 cells expected, 3 found"),
            std::string::npos)
      << cut.faults;
  EXPECT_EQ(cut.table->rows.size(), 2u);
  const Read open = read(whole + "b,\"llama");
  EXPECT_NE(open.faults.find("quote is not closed"), std::string::npos);
}

TEST(TruthTable, WithoutAColumnThatEveryRowNeedsThereIsNoTable) {
  const Read result = read(without_column(table_text(Topic::kServing, {kClosedLoop}), "mode"));
  EXPECT_FALSE(result.table);
  EXPECT_EQ(result.faults.rfind("t.csv:1: mode: column is missing", 0), 0u) << result.faults;
}

TEST(TruthTable, AMissingColumnReadsAsNotStatedAndIsNamed) {
  const Read result = read(without_column(table_text(Topic::kServing, {kClosedLoop}), "osl"));
  ASSERT_TRUE(result.table);
  EXPECT_FALSE(result.table->rows.at(0).has("osl"));
  EXPECT_EQ(result.faults.rfind("t.csv:1: osl: column is missing", 0), 0u) << result.faults;
}

TEST(TruthTable, AMisspeltColumnIsSuggested) {
  std::string text = table_text(Topic::kServing, {kClosedLoop});
  text.replace(text.find("concurrency"), 11, "concurency");
  EXPECT_NE(read(text).faults.find("concurency is no column"), std::string::npos);
}

TEST(TruthTable, WhatIsNoTableIsRefused) {
  for (const char* text : {"", "\n", "a,b\n1,2\n", "{\"id\": 1}", "id,id\n1,2\n"}) {
    const Read result = read(text);
    EXPECT_FALSE(result.table);
    EXPECT_EQ(result.faults.rfind("t.csv:1: ", 0), 0u) << text << ": " << result.faults;
  }
}

TEST(TruthTable, AFileThatIsNotThereIsNamed) {
  Faults faults;
  EXPECT_FALSE(read_truth_table("no/such.csv", faults));
  ASSERT_EQ(faults.all().size(), 1u);
  EXPECT_EQ(faults.all().front().file, "no/such.csv");
}

}  // namespace
}  // namespace moesim
