#include "base/document.h"

#include <gtest/gtest.h>

#include <limits>

namespace moesim {
namespace {

Value root(const std::string& text, Faults& faults) {
  return {parse_document(text, "f.yaml"), "f.yaml", "", &faults};
}

std::string faults_of(const std::string& text, const std::function<void(MapReader&)>& read) {
  Faults faults;
  MapReader reader(root(text, faults));
  read(reader);
  reader.done();
  return faults.empty() ? "" : InputError(faults.all()).what();
}

std::string parse_fault(const std::string& text) {
  try {
    parse_document(text, "f.yaml");
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

TEST(Document, UnknownKeyComesWithASuggestion) {
  EXPECT_EQ(faults_of("models: 3\n", [](MapReader& r) { r.integer_or("model", 0, 0, 9); }),
            "f.yaml:1: models: models: unknown key; did you mean model?");
}

TEST(Document, FaultsAreCollectedWithLineAndPath) {
  EXPECT_EQ(faults_of("a: -1\nb: many\nc: 5\n",
                      [](MapReader& r) {
                        r.integer_or("a", 0, 0, 9);
                        r.integer_or("b", 0, 0, 9);
                        r.quantity_or("c", Dimension::kTime, 0);
                      }),
            "f.yaml:1: a: -1: a whole number from 0 to 9 expected\n"
            "f.yaml:2: b: many: a whole number from 0 to 9 expected\n"
            "f.yaml:3: c: 5: a time with unit, e.g. 50 ms, 2 s or 10 min, greater than zero");
}

TEST(Document, MissingKeyNamesItsPath) {
  EXPECT_EQ(faults_of("a: {}\n",
                      [](MapReader& r) { MapReader(*r.optional("a")).required("b", "a number"); }),
            "f.yaml:1: a.b: missing: a number");
}

TEST(Document, NumbersMustBeFinite) {
  for (const char* text : {"a: .nan", "a: nan", "a: .inf", "a: inf", "a: 1e999"}) {
    EXPECT_NE(faults_of(text, [](MapReader& r) { r.number_or("a", 0, -1e300, 1e300); }), "")
        << text;
  }
}

TEST(Document, TheLargestAllowedNumberIsAllowed) {
  EXPECT_EQ(faults_of("a: 9", [](MapReader& r) { EXPECT_EQ(r.integer_or("a", 0, 0, 9), 9); }), "");
  EXPECT_NE(faults_of("a: 10", [](MapReader& r) { r.integer_or("a", 0, 0, 9); }), "");
}

TEST(Document, DuplicateKeysAreRefused) {
  EXPECT_EQ(parse_fault("a: 1\nb:\n  c: 1\n  c: 2\n"),
            "f.yaml:4: c: given twice: a key may be given once");
}

TEST(Document, EmptyAndBrokenFilesAreRefused) {
  EXPECT_EQ(parse_fault(""), "f.yaml: the file is empty");
  EXPECT_EQ(parse_fault("# only a comment\n"), "f.yaml: the file is empty");
  EXPECT_EQ(parse_fault("a: [1, 2").substr(0, 8), "f.yaml:1");
}

// yaml-cpp would follow these for ever.
TEST(Document, AliasesAreRefused) {
  EXPECT_EQ(parse_fault("a: &x [*x]\n"),
            "f.yaml:1: aliases (*name) are not supported; write the value out");
}

TEST(Document, NestingIsLimited) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse_fault("a: " + nested(49)), "");
  EXPECT_EQ(parse_fault("a: " + nested(50)),
            "f.yaml:1: lists and maps nested at most 50 deep expected");
  EXPECT_NE(parse_fault("a: " + nested(100000)), "");
}

TEST(Document, MissingFileAndFolderAreRefused) {
  EXPECT_THROW(read_file("no-such-file.yaml"), InputError);
  EXPECT_THROW(read_file("."), InputError);
}

TEST(Document, ReadsJsonWithTabsAndEscapes) {
  Faults faults;
  MapReader reader(root("{\n\t\"a\": \"x\\/y\",\n\t\"b\": [1,\t2]\n}\n", faults));
  EXPECT_EQ(reader.text_or("a", ""), "x/y");
  EXPECT_EQ(reader.optional("b")->items().size(), 2u);
  EXPECT_TRUE(faults.empty());
}

TEST(DidYouMean, OffersOnlyLikelySlips) {
  EXPECT_EQ(did_you_mean("mixtral-8x7", {"llama-2-7b", "mixtral-8x7b"}), "mixtral-8x7b");
  EXPECT_EQ(did_you_mean("eq", {"ep", "tp"}), "ep");
  EXPECT_EQ(did_you_mean("x", {"kv", "tp"}), "");
  EXPECT_EQ(did_you_mean("zebra", {"llama-2-7b", "mixtral-8x7b"}), "");
}

}  // namespace
}  // namespace moesim
