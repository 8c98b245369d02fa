// Old against new: the predictions of a small table of published figures, with their sources, may
// change, but no topic may get worse by more than a point and no row may be lost. README.md says
// how to accept new predictions.
#include "models/router/kernel/gate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/percentile.h"
#include "scenarios/validate/scores/scores.h"
#include "scenarios/validate/validate.h"

namespace moesim {
namespace {

constexpr const char* kPublished = "tests/validation/published";
constexpr const char* kExpected = "tests/validation/expected.csv";
constexpr double kAllowed = 0.01;       // Of a topic's median error.
constexpr double kWorthTelling = 1e-3;  // Relative change of a prediction.

// What expected.csv says: the prediction of (id, metric), nothing where it was skipped.
using Expected = std::map<std::pair<std::string, std::string>, std::optional<double>>;

// id, metric and predicted hold neither quotes nor commas; the rest of a line is not needed.
Expected read_expected() {
  Expected expected;
  std::ifstream file(kExpected);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::string id, metric, predicted;
    std::getline(cells, id, ',');
    std::getline(cells, metric, ',');
    std::getline(cells, predicted, ',');
    auto& entry = expected[{id, metric}];
    if (!predicted.empty()) entry = std::stod(predicted);
  }
  return expected;
}

Validation validated() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kPublished)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  const Library library;
  Validation made = plan_validation(files, library);
  run_simulations(made, library, {2, {}});
  return made;
}

// Absolute errors by topic, of the figures that were and are predicted: before and now.
struct Errors {
  std::vector<double> before, now;
};

// One published figure, what was predicted and what is now.
struct Case {
  const Measurement& now;
  double before;
};

// The figures that were predicted. A figure that expected.csv does not know fails the test.
std::vector<Case> cases_of(const Validation& validation) {
  const Expected expected = read_expected();
  std::vector<Case> cases;
  for (const Measurement& m : validation.plan.measurements()) {
    const auto entry = expected.find({m.id, m.metric});
    if (entry == expected.end()) {
      ADD_FAILURE() << kExpected << " does not know " << m.id << " " << m.metric;
    } else if (entry->second) {
      cases.push_back({m, *entry->second});
    }
  }
  EXPECT_EQ(expected.size(), validation.plan.measurements().size()) << kExpected;
  return cases;
}

void expect_no_row_lost(const std::vector<Case>& cases) {
  for (const auto& [now, before] : cases) {
    EXPECT_EQ(now.skipped, "") << now.id << " " << now.metric;
  }
}

void expect_what_fits_is_told(const std::vector<Case>& cases) {
  for (const auto& [now, before] : cases) {
    if (now.score != ScoreKind::kRightOrWrong) continue;
    const bool was_right = std::lround(before) == std::lround(now.value);
    const bool is_right = std::lround(now.predicted) == std::lround(now.value);
    EXPECT_TRUE(is_right || !was_right) << now.id;
  }
}

void expect_no_topic_worse(const std::vector<Case>& cases) {
  std::map<std::string, Errors> topics;
  for (const auto& [now, before] : cases) {
    if (!now.skipped.empty() || now.score == ScoreKind::kRightOrWrong) continue;
    Errors& errors = topics[std::string(topic_name(now.topic))];
    errors.before.push_back(std::abs(before / now.value - 1));
    errors.now.push_back(std::abs(now.predicted / now.value - 1));
  }
  for (const auto& [topic, errors] : topics) {
    const double before = median(errors.before), now = median(errors.now);
    fmt::print("{:<12} {:3} figures, median error {:5.2f} % before, {:5.2f} % now\n", topic,
               errors.now.size(), 100 * before, 100 * now);
    EXPECT_LE(now, before + kAllowed) << topic;
  }
}

// Allowed, but to be seen.
void print_drift(const std::vector<Case>& cases) {
  for (const auto& [now, before] : cases) {
    if (!now.skipped.empty() || std::abs(now.predicted / before - 1) <= kWorthTelling) continue;
    fmt::print("{:<12} {:<28} published {:.5g}, predicted {:.5g} before and {:.5g} now\n", now.id,
               now.metric, now.value, before, now.predicted);
  }
}

// One test, so that the figures are predicted once.
TEST(Gate, NoTopicGetsWorseByMoreThanAPointAndNoRowIsLost) {
  const Validation validation = validated();
  for (const Fault& fault : validation.faults) ADD_FAILURE() << fault.text();
  const std::vector<Case> cases = cases_of(validation);
  EXPECT_GE(cases.size(), 40u);
  expect_no_row_lost(cases);
  expect_what_fits_is_told(cases);
  expect_no_topic_worse(cases);
  print_drift(cases);
}

}  // namespace
}  // namespace moesim
