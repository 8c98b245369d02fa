#include "sim/results/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/deployment/expert_memory.h"
#include "sim/serving/run_case.h"
#include "tests/sim/in_child.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

// Four DP ranks of two TP ranks each, eight EP groups, a node of eight.
Deployment two_by_four() {
  Deployment d = made::expert_parallel(8);
  d.plan.attention_dp = 4;
  d.plan.tp = 2;
  d.serving.step_time = Seconds(1e-3);
  d.error.step_time = 1.25;
  return d;
}

struct Watched {
  StageCost cost, unwatched;
  std::vector<StepSpan> spans;
  Timeline timeline;
};

// A step of unequal batches, watched and not.
Watched watched_step(const Deployment& deployment) {
  const RoutingBank bank = make_routing_bank(deployment.model, deployment.tokens, 1);
  std::vector<RankStep> ranks;
  for (std::int64_t d = 0; d < deployment.plan.attention_dp; ++d) {
    ranks.push_back(made::decodes(10 + 7 * d, 500));
  }
  Watched made{{}, {}, {}, Timeline(deployment, {.ranks = deployment.plan.stage_ranks()})};
  SpanLog log = made.timeline.make_log();
  StepModel model(deployment, &bank);
  Stage stage = make_stage(deployment, 0, 0);
  model.run(stage, ranks, made.cost, &log);
  StepModel again(deployment, &bank);
  Stage same = make_stage(deployment, 0, 0);
  again.run(same, ranks, made.unwatched);
  made.spans = log.spans();
  return made;
}

std::vector<StepSpan> spans_of(const Watched& watched, std::int64_t rank) {
  std::vector<StepSpan> spans;
  for (const StepSpan& span : watched.spans) {
    if (watched.timeline.concerns(span, rank)) spans.push_back(span);
  }
  return spans;
}

Seconds time_in(const std::vector<StepSpan>& spans, const auto& chosen) {
  Seconds sum;
  for (const StepSpan& span : spans) {
    if (chosen(span.phase)) sum += span.end - span.begin;
  }
  return sum;
}

TEST(StepSpans, FillTheStepOfEveryRankWithoutGapOrOverlap) {
  const Watched watched = watched_step(two_by_four());
  for (std::int64_t rank = 0; rank < 8; ++rank) {
    Seconds now;
    for (const StepSpan& span : spans_of(watched, rank)) {
      EXPECT_NEAR(span.begin.value(), now.value(), 1e-12);
      now = span.end;
    }
    EXPECT_NEAR(now.value(), watched.cost.time.value(), 1e-12);
  }
}

TEST(StepSpans, AgreeWithTheLedgerOfEveryRank) {
  const Watched watched = watched_step(two_by_four());
  const auto charged = [&](std::int64_t rank, Activity activity) {
    return watched.cost.ranks[rank].time[activity].value();
  };
  for (std::int64_t rank = 0; rank < 8; ++rank) {
    const std::vector<StepSpan> spans = spans_of(watched, rank);
    const Seconds wait = time_in(spans, [](Phase p) { return p == Phase::kWait; });
    EXPECT_NEAR(wait.value(), charged(rank, Activity::kImbalanceWait), 1e-12);
    EXPECT_NEAR(time_in(spans, is_communication).value(), charged(rank, Activity::kCommunication),
                1e-12);
    EXPECT_GT(time_in(spans, is_communication), Seconds(0));
  }
  EXPECT_GT(charged(0, Activity::kImbalanceWait), charged(7, Activity::kImbalanceWait));
}

TEST(StepSpans, WatchingChangesNothing) {
  const Watched watched = watched_step(two_by_four());
  EXPECT_EQ(watched.cost.time, watched.unwatched.time);
  for (std::size_t rank = 0; rank < 8; ++rank) {
    EXPECT_EQ(watched.cost.ranks[rank].time, watched.unwatched.ranks[rank].time);
    EXPECT_EQ(watched.cost.ranks[rank].energy, watched.unwatched.ranks[rank].energy);
  }
}

TEST(StepSpans, AreNoMoreThanAnnounced) {
  const Deployment deployment = two_by_four();
  const Watched watched = watched_step(deployment);
  for (std::int64_t rank = 0; rank < 8; ++rank) {
    EXPECT_LE(std::ssize(spans_of(watched, rank)), most_spans(deployment));
  }
}

TEST(FittingView, ShowsEverythingWhereThereIsRoom) {
  const Deployment deployment = two_by_four();
  const TimelineView view =
      fitting_view(deployment, {{10, 42}, true, 32 * 8 * most_spans(deployment)});
  EXPECT_EQ(view.steps.first, 10);
  EXPECT_EQ(view.steps.last, 42);
  EXPECT_EQ(view.ranks, 8);
}

TEST(FittingView, CutsStepsFirstThenRanksByWholeNodes) {
  const Deployment deployment = made::expert_parallel(64, 8);
  const std::int64_t one = most_spans(deployment);
  EXPECT_EQ(fitting_view(deployment, {{0, 32}, true, 10 * 64 * one}).steps.last, 10);
  EXPECT_EQ(fitting_view(deployment, {{0, 32}, true, 10 * 64 * one}).ranks, 64);
  const TimelineView small = fitting_view(deployment, {{0, 32}, true, 8 * 20 * one});
  EXPECT_EQ(small.steps.last, 8);
  EXPECT_EQ(small.ranks, 16);
  const TimelineView tiny = fitting_view(deployment, {{0, 32}, true, 1});
  EXPECT_EQ(tiny.steps.last, 1);
  EXPECT_EQ(tiny.ranks, 1);
}

CaseTimeline record(const Deployment& deployment, const Workload& workload,
                    const TimelineRequest& request = {}) {
  return record_timeline(deployment, pool_ledgers(deployment, nullptr), workload, nullptr, request);
}

// First and last step shown and whether the window was filled; of a closed loop on one device that
// makes `steps` steps.
std::vector<double> shown_of(std::int64_t steps, const TimelineRequest& request) {
  return in_child([&] {
    const CaseTimeline timeline =
        record(made::constant_step(Seconds(0.01)),
               made::workload(ArrivalKind::kStatic, 1, 16, steps), request);
    const Timeline& pool = timeline.pools.front();
    std::vector<double> shown{timeline.complete() ? 1.0 : 0.0,
                              static_cast<double>(pool.stage_steps().size())};
    if (pool.stage_steps().empty()) return shown;
    shown.push_back(static_cast<double>(pool.stage_steps().front().step));
    shown.push_back(static_cast<double>(pool.stage_steps().back().step));
    return shown;
  });
}

TEST(Timeline, ShowsTheWindowOfALongRun) {
  EXPECT_EQ(shown_of(1000, {}), (std::vector<double>{1, 32, 64, 95}));
}

TEST(Timeline, ShowsTheLastStepsOfAShortRun) {
  EXPECT_EQ(shown_of(50, {}), (std::vector<double>{0, 32, 18, 49}));
  EXPECT_EQ(shown_of(5, {}), (std::vector<double>{0, 5, 0, 4}));
}

TEST(Timeline, ShowsNamedStepsOrNothing) {
  EXPECT_EQ(shown_of(50, {.steps = {10, 12}, .or_latest = false}),
            (std::vector<double>{1, 2, 10, 11}));
  EXPECT_EQ(shown_of(50, {.steps = {90, 99}, .or_latest = false}), (std::vector<double>{0, 0}));
}

TEST(Timeline, FollowsAStepThroughAllStages) {
  const std::vector<double> seen = in_child([] {
    Deployment d = made::deployment(made::small_dense(4), made::cluster(made::device(), 2));
    d.plan.pp = 2;
    const CaseTimeline timeline = record(d, made::workload(ArrivalKind::kStatic, 4, 16, 200));
    const Timeline& pool = timeline.pools.front();
    std::vector<double> out{static_cast<double>(pool.stage_steps().size()),
                            static_cast<double>(pool.transfers().size())};
    for (const Timeline::Transfer& transfer : pool.transfers()) {
      EXPECT_GT(transfer.end, transfer.begin);
    }
    return out;
  });
  EXPECT_EQ(seen, (std::vector<double>{64, 32}));
}

TEST(RequestMarks, CountArrivalsAndEnds) {
  const std::vector<double> seen = in_child([] {
    const CaseTimeline timeline =
        record(made::constant_step(Seconds(0.01)), made::paced(20, Seconds(0.05), 16, 2));
    std::vector<double> counts(4);
    for (const RequestMark& mark : timeline.requests.marks()) {
      counts[static_cast<std::size_t>(mark.kind)] += static_cast<double>(mark.requests);
    }
    return counts;
  });
  EXPECT_EQ(seen, (std::vector<double>{20, 0, 20, 20}));
}

}  // namespace
}  // namespace moesim
