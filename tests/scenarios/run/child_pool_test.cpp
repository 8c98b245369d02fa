#include "scenarios/run/child_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "base/input_error.h"

namespace moesim {
namespace {

ChildJobs jobs(std::size_t count, int at_once,
               std::function<std::string(std::size_t, const ProgressSink&)> work,
               std::map<std::size_t, std::string>& results) {
  ChildJobs out;
  out.count = count;
  out.at_once = at_once;
  out.work = std::move(work);
  out.finished = [&](std::size_t i, const std::string& text) { results[i] = text; };
  return out;
}

TEST(ChildPool, EveryJobDeliversItsResultOnce) {
  std::map<std::size_t, std::string> results;
  const auto square = [](std::size_t i, const ProgressSink&) { return std::to_string(i * i); };
  EXPECT_TRUE(run_children(jobs(20, 3, square, results)));
  ASSERT_EQ(results.size(), 20u);
  EXPECT_EQ(results[7], "49");
}

TEST(ChildPool, AResultMayBeLargerThanAPipe) {
  std::map<std::size_t, std::string> results;
  const auto large = [](std::size_t, const ProgressSink&) { return std::string(5'000'000, 'x'); };
  EXPECT_TRUE(run_children(jobs(2, 2, large, results)));
  EXPECT_EQ(results[1].size(), 5'000'000u);
}

TEST(ChildPool, AnInputErrorArrivesWhole) {
  std::map<std::size_t, std::string> results;
  const auto refuse = [](std::size_t, const ProgressSink&) -> std::string {
    throw InputError({{"f.yaml", 3, "a.b", "x", "y expected"}, {"g", 0, "", "", "empty"}});
  };
  try {
    run_children(jobs(1, 1, refuse, results));
    FAIL();
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(), "f.yaml:3: a.b: x: y expected\ng: empty");
  }
}

TEST(ChildPool, AFaultMayHoldAnyByte) {
  std::map<std::size_t, std::string> results;
  const std::string odd("12:\x1e\x1f\n\0:", 8);
  const auto refuse = [&](std::size_t, const ProgressSink&) -> std::string {
    throw InputError({{"f", 3, odd, "", odd}});
  };
  try {
    run_children(jobs(1, 1, refuse, results));
    FAIL();
  } catch (const InputError& e) {
    ASSERT_EQ(e.faults().size(), 1u);
    EXPECT_EQ(e.faults()[0].path, odd);
    EXPECT_EQ(e.faults()[0].allowed, odd);
  }
}

TEST(ChildPool, ADeadChildIsNamedAndTheOthersEnd) {
  std::map<std::size_t, std::string> results;
  const auto die = [](std::size_t i, const ProgressSink&) -> std::string {
    if (i == 1) std::raise(SIGKILL);
    pause();
    return "";
  };
  EXPECT_THROW(run_children(jobs(2, 2, die, results)), std::runtime_error);
}

TEST(ChildPool, AnInterruptKeepsWhatIsFinished) {
  std::map<std::size_t, std::string> results;
  const auto first_only = [](std::size_t i, const ProgressSink&) -> std::string {
    if (i > 0) pause();
    return "done";
  };
  ChildJobs three = jobs(3, 2, first_only, results);
  three.finished = [&](std::size_t i, const std::string& text) {
    results[i] = text;
    std::raise(SIGINT);
  };
  EXPECT_FALSE(run_children(three));
  EXPECT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0], "done");
}

TEST(ChildPool, ProgressReachesTheParent) {
  std::map<std::size_t, std::string> results;
  const auto half = [](std::size_t, const ProgressSink& progress) -> std::string {
    progress(0.5);
    usleep(400'000);
    return "";
  };
  ChildJobs one = jobs(1, 1, half, results);
  bool saw_half = false;
  one.progress = [&](double share, std::size_t) { saw_half = saw_half || share == 0.5; };
  EXPECT_TRUE(run_children(one));
  EXPECT_TRUE(saw_half);
}

}  // namespace
}  // namespace moesim
