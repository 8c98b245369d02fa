#include "scenarios/sweep/samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace moesim {
namespace {

SamplePlan plan_of(const std::string& text, Faults& faults) {
  return read_sample_plan(Value(parse_document(text, "s"), "s.yaml", "sweep.sample", &faults));
}

std::vector<std::vector<std::string>> drawn(const std::string& text, std::uint64_t seed = 1) {
  Faults faults;
  const SamplePlan plan = plan_of(text, faults);
  faults.throw_if_any();
  return draw_samples(plan, seed);
}

std::string fault(const std::string& text) {
  Faults faults;
  plan_of(text, faults);
  return faults.empty() ? "" : InputError(faults.all()).what();
}

SampledPath range(double from, double to, bool integer, bool log) {
  SampledPath path;
  path.from = from;
  path.to = to;
  path.integer = integer;
  path.log = log;
  return path;
}

TEST(SampledPath, WholeNumbersAreAllEquallyLikely) {
  const SampledPath dice = range(1, 6, true, false);
  EXPECT_EQ(dice.value(0), "1");
  EXPECT_EQ(dice.value(0.166), "1");
  EXPECT_EQ(dice.value(0.167), "2");
  EXPECT_EQ(dice.value(0.999), "6");
}

TEST(SampledPath, ALogarithmicRangeHasItsGeometricMeanInTheMiddle) {
  EXPECT_EQ(range(1, 100, false, true).value(0.5), "10");
  EXPECT_EQ(range(1, 99, true, true).value(0.5), "10");
  EXPECT_EQ(range(0, 100, false, false).value(0.25), "25");
}

TEST(SampledPath, ARangeKeepsItsUnit) {
  EXPECT_EQ(drawn("{sobol: 1, r: {from: 2/s, to: 4/s}}")[0][0], "3/s");
  EXPECT_EQ(drawn("{sobol: 1, h: {from: 10 min, to: 30 min}}")[0][0], "20 min");
}

// The first 2^m - 1 points of a Sobol sequence (its zero left out) fill every interval of length
// 2^-m but one.
TEST(Samples, SobolPointsFillEveryPartOfEveryAxis) {
  const auto points = drawn(
      "{sobol: 15, a: {from: 0, to: 1, integer: false}, b: {from: 0, to: 1, integer: false}}");
  ASSERT_EQ(points.size(), 15u);
  for (const std::size_t axis : {0u, 1u}) {
    std::set<int> parts;
    for (const auto& point : points) {
      parts.insert(static_cast<int>(std::stod(point[axis]) * 16));
    }
    EXPECT_EQ(parts.size(), 15u);
  }
}

TEST(Samples, RandomOnesFollowTheSeedAndSobolOnesDoNot) {
  const std::string random = "{random: 5, a: {from: 0, to: 1, integer: false}}";
  EXPECT_EQ(drawn(random, 1), drawn(random, 1));
  EXPECT_NE(drawn(random, 1), drawn(random, 2));
  const std::string sobol = "{sobol: 5, a: {from: 0, to: 1, integer: false}}";
  EXPECT_EQ(drawn(sobol, 1), drawn(sobol, 2));
}

TEST(Samples, AreAllDifferentAndFewerWhereThereAreNotAsMany) {
  const auto points = drawn("{random: 100, a: {from: 1, to: 3}, b: [x, y]}");
  const std::set<std::vector<std::string>> different(points.begin(), points.end());
  EXPECT_EQ(different.size(), 6u);
  EXPECT_EQ(points.size(), 6u);
}

TEST(Samples, FaultsSayWhatIsAllowed) {
  EXPECT_NE(fault("{a: {from: 1, to: 2}}").find("either sobol or random"), std::string::npos);
  EXPECT_NE(fault("{sobol: 2, random: 2, a: [1]}").find("either sobol or random"),
            std::string::npos);
  EXPECT_NE(fault("{sobol: 0, a: [1]}").find("a whole number from 1"), std::string::npos);
  EXPECT_NE(fault("{sobol: 2}").find("at least one path"), std::string::npos);
  EXPECT_NE(fault("{sobol: 2, a: 3}").find("a range such as"), std::string::npos);
  EXPECT_NE(fault("{sobol: 2, a: []}").find("a range such as"), std::string::npos);
  EXPECT_NE(fault("{sobol: 2, a: {from: 2, to: 2}}").find("above \"from\""), std::string::npos);
  EXPECT_NE(fault("{sobol: 2, a: {from: 1/s, to: 2}}").find("the unit of"), std::string::npos);
  EXPECT_NE(fault("{sobol: 2, a: {from: 0, to: 2, log: true}}").find("above 0"), std::string::npos);
  EXPECT_NE(fault("{sobol: 2, a: {from: 0.5, to: 2, integer: true}}").find("whole numbers"),
            std::string::npos);
  EXPECT_NE(fault("{sobol: 2, a: {from: 1, too: 2}}").find("did you mean to?"), std::string::npos);
}

}  // namespace
}  // namespace moesim
