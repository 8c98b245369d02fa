#include "scenarios/sweep/condition.h"

#include <gtest/gtest.h>

#include <map>

namespace moesim {
namespace {

const std::map<std::string, double> kNumbers = {
    {"ep", 8}, {"tp", 2}, {"gpus", 16}, {"zero", 0}, {"moe-x.ep.size", 3}};

std::optional<Condition> parsed(const std::string& text, Faults& faults) {
  return read_condition(Value(YAML::Node(text), "s.yaml", "sweep.where", &faults));
}

std::optional<bool> truth(const std::string& text) {
  Faults faults;
  const auto condition = parsed(text, faults);
  if (!condition) throw std::logic_error(faults.all().front().text());
  return holds(*condition, [](const std::string& name) -> std::optional<double> {
    const auto found = kNumbers.find(name);
    return found == kNumbers.end() ? std::nullopt : std::optional(found->second);
  });
}

std::string fault(const std::string& text) {
  Faults faults;
  parsed(text, faults);
  return faults.empty() ? "" : faults.all().front().allowed;
}

TEST(Condition, ComparesSumsAndProductsWithTheUsualPriorities) {
  EXPECT_EQ(truth("ep * tp <= gpus"), true);
  EXPECT_EQ(truth("ep * tp < gpus"), false);
  EXPECT_EQ(truth("1 + 2 * 3 == 7"), true);
  EXPECT_EQ(truth("(1 + 2) * 3 == 9"), true);
  EXPECT_EQ(truth("8 - 4 - 2 == 2"), true);
  EXPECT_EQ(truth("16 / 4 / 2 == 2"), true);
  EXPECT_EQ(truth("gpus % 5 == 1"), true);
  EXPECT_EQ(truth("-ep + 9 == 1"), true);
  EXPECT_EQ(truth("1.5e1 != gpus"), true);
}

TEST(Condition, JoinsComparisonsByWords) {
  EXPECT_EQ(truth("ep > 9 or tp > 1 and gpus > 99"), false);
  EXPECT_EQ(truth("(ep > 9 or tp > 1) and gpus > 9"), true);
  EXPECT_EQ(truth("not ep > 9"), true);
  EXPECT_EQ(truth("not ep > 9 and tp > 9"), false);
}

TEST(Condition, ANameMayHoldDashesAndDots) {
  EXPECT_EQ(truth("moe-x.ep.size == 3"), true);
  EXPECT_EQ(truth("'moe-x.ep.size' * 2 == 6"), true);
  EXPECT_EQ(truth("ep -1 == 7"), true);
}

TEST(Condition, HasNoAnswerWithoutANumber) {
  EXPECT_EQ(truth("nothing < 1"), std::nullopt);
  EXPECT_EQ(truth("1 / zero < 1"), std::nullopt);
  EXPECT_EQ(truth("1 % zero < 1"), std::nullopt);
}

TEST(Condition, SaysWhereItGoesWrong) {
  EXPECT_EQ(fault("ep * tp"), "a comparison expected, e.g. ep * tp <= gpus at \"ep * tp\"");
  EXPECT_EQ(fault("ep = 3"), "== expected at \" 3\"");
  EXPECT_EQ(fault("ep <= "), "a number, a name or \"(\" expected at \"\"");
  EXPECT_EQ(fault("(ep <= 3"), "\")\" expected at \"\"");
  EXPECT_EQ(fault("ep <= 3 tp"), "an operator or the end expected at \"tp\"");
  EXPECT_EQ(fault("ep and tp > 1"), "\"and\" joins comparisons, not numbers at \"\"");
  EXPECT_EQ(fault("(ep > 1) + 1 > 2"), "\"+\" takes numbers, not comparisons at \"> 2\"");
  EXPECT_NE(fault("ep > 1 > 0"), "");
  EXPECT_NE(fault("'ep > 1"), "");
  EXPECT_NE(fault("3x > 1"), "");
  EXPECT_NE(fault("$ > 1"), "");
}

TEST(Condition, DeepAndLongTextsAreRefusedOrRead) {
  EXPECT_EQ(fault(std::string(480, '(') + "1 > 0" + std::string(480, ')')), "");
  EXPECT_NE(fault(std::string(2000, '(')), "");
  EXPECT_NE(fault(std::string(999, '-')), "");
}

}  // namespace
}  // namespace moesim
