// One simulation that died ended the whole run, without a name, and the others' results were lost.
#include <gtest/gtest.h>

#include <csignal>

#include "reports/render/words/case_result.h"
#include "scenarios/run/run.h"
#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

Report with_first_job_killed(std::int64_t samples) {
  const Scenario scenario =
      read_text(kDense + "  - {name: b, model: qwen3-8b, cluster: {node: dgx-h100}}\n");
  RunOptions options;
  options.samples = samples;
  options.execute = [](const std::vector<Job>&, const ChildJobs& given) {
    ChildJobs jobs = given;
    jobs.work = [&given](std::size_t i, const ProgressSink& progress) {
      if (i == 0) std::raise(SIGKILL);
      return given.work(i, progress);
    };
    return run_children(jobs);
  };
  return run(scenario, options);
}

TEST(FailedRow, HasItsReasonAndTheOthersGoOn) {
  const Report report = with_first_job_killed(0);
  ASSERT_EQ(report.cases.size(), 2U);
  EXPECT_EQ(report.cases[0].status, CaseStatus::kFailed);
  EXPECT_EQ(report.cases[1].status, CaseStatus::kDone);
  EXPECT_TRUE(report.failures);
  const std::string why = disqualification_text(report.cases[0]);
  EXPECT_TRUE(why.starts_with("failed: ")) << why;
  EXPECT_NE(why.find("signal 9"), std::string::npos) << why;
}

TEST(FailedRow, ARunWithoutOneHasNoFailures) {
  const Report report = run(read_text(kDense), {});
  EXPECT_FALSE(report.failures);
}

}  // namespace
}  // namespace moesim
