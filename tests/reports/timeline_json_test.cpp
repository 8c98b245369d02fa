#include "reports/render/json/timeline_json.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/sim/made_deployment.h"

namespace moesim {
namespace {

using Json = nlohmann::json;

// Two ranks in two steps of 1 ms: rank 1 waits a third for rank 0.
CaseTimeline two_ranks(const Deployment& deployment, std::int64_t steps = 2) {
  CaseTimeline timeline;
  timeline.pools.emplace_back(deployment, TimelineView{{0, steps}, true, 2});
  Timeline& pool = timeline.pools.front();
  for (std::int64_t s = 0; s < steps; ++s) {
    const Seconds begin = Seconds(1e-3) * static_cast<double>(s);
    const Seconds third(1e-3 / 3), whole(1e-3);
    pool.add(Timeline::Level{s, begin, 1, 2, 3});
    pool.add(Timeline::StageStep{s,
                                 0,
                                 0,
                                 begin,
                                 whole,
                                 0,
                                 2,
                                 {{Phase::kLinear, false, 0, 0, Seconds(0), 2 * third},
                                  {Phase::kLinear, false, 1, 0, Seconds(0), third},
                                  {Phase::kWait, false, 1, 0, third, 2 * third},
                                  {Phase::kDispatch, false, 0, 0, 2 * third, whole},
                                  {Phase::kDispatch, false, 1, 0, 2 * third, whole}}});
    pool.finish(s);
  }
  timeline.requests.add(RequestMark::Kind::kArrived, Seconds(0.5e-3), 3);
  return timeline;
}

Deployment two_devices() {
  Deployment d = made::deployment(made::small_moe(), made::cluster(made::device(), 2));
  d.plan.attention_dp = d.plan.ep = 2;
  return d;
}

Json events_of(const TraceCase& one) {
  return Json::parse(trace_json({one}, {{"program", "moesim"}}))["traceEvents"];
}

TraceCase made_trace(std::size_t most_bytes = kMostTraceBytes) {
  return trace_case("say \"hi\"\n", two_ranks(two_devices()), {}, two_devices(), 0, most_bytes);
}

TEST(TraceJson, HasWhatTheFormatDemandsOfEveryEvent) {
  for (const Json& event : events_of(made_trace())) {
    ASSERT_TRUE(event.at("ph").is_string());
    EXPECT_TRUE(event.at("pid").is_number_integer());
    EXPECT_TRUE(event.at("tid").is_number_integer());
    EXPECT_TRUE(event.at("ts").is_number());
    EXPECT_TRUE(event.at("name").is_string());
    const std::string phase = event["ph"];
    if (phase == "X") {
      EXPECT_GT(event.at("dur").get<double>(), 0);
    } else if (phase == "i") {
      EXPECT_EQ(event.at("s"), "p");
    } else if (phase == "C") {
      for (const Json& value : event.at("args")) EXPECT_TRUE(value.is_number());
    } else {
      EXPECT_EQ(phase, "M");
    }
  }
}

TEST(TraceJson, SpansOfARankFollowOneAnotherInsideTheirStep) {
  std::map<int, std::int64_t> end_of_thread, inside;
  for (const Json& event : events_of(made_trace())) {
    if (event["ph"] != "X") continue;
    const int thread = event["tid"];
    const std::int64_t begin = std::llround(event["ts"].get<double>() * 1000);
    const std::int64_t time = std::llround(event["dur"].get<double>() * 1000);
    if (event["name"].get<std::string>().starts_with("step")) {
      EXPECT_EQ(end_of_thread[thread], begin);
      EXPECT_EQ(time, 1'000'000);
      continue;
    }
    EXPECT_EQ(end_of_thread[thread], begin);  // In nanoseconds: not even rounding leaves a gap.
    end_of_thread[thread] = begin + time;
    inside[thread] += time;
  }
  EXPECT_EQ(inside, (std::map<int, std::int64_t>{{1, 2'000'000}, {2, 2'000'000}}));
}

TEST(TraceJson, NamesEveryProcessAndThread) {
  std::set<std::pair<int, int>> used, named;
  for (const Json& event : events_of(made_trace())) {
    const std::pair<int, int> thread{event["pid"], event["tid"]};
    if (event["ph"] == "X") used.insert(thread);
    if (event["name"] == "thread_name") named.insert(thread);
    if (event["name"] == "process_name") {
      EXPECT_TRUE(event["args"]["name"].get<std::string>().starts_with("say \"hi\"\n / "));
    }
  }
  EXPECT_EQ(used, named);
}

TEST(TraceJson, NeverGrowsBeyondItsBound) {
  const TraceCase cut = made_trace(1000);
  EXPECT_LE(cut.events.size(), 1000u);
  EXPECT_GT(events_of(cut).size(), 3u);
  EXPECT_EQ(Json::parse(cut.shown).at("note"), "cut off where the file would have grown too large");
  EXPECT_FALSE(Json::parse(made_trace().shown).contains("note"));
}

TEST(TraceJson, NoEventOfARankTakesMoreThanAnnounced) {
  Deployment big = two_devices();
  CaseTimeline timeline;
  timeline.pools.emplace_back(big, TimelineView{{0, 1}, true, 2});
  timeline.pools.front().add(
      Timeline::StageStep{999'999,
                          0,
                          65'534,
                          Seconds(86'400),
                          Seconds(1),
                          0,
                          1,
                          {{Phase::kWeightMoves, false, 0, 999, Seconds(0), Seconds(1)}}});
  const std::string events = trace_case("c", timeline, {}, big, 7, kMostTraceBytes).events;
  const std::size_t from = events.find(R"({"ph":"X")", events.find(R"("step 999999")"));
  EXPECT_LE(events.find('\n', from) - from, kEventBytes);
}

TEST(TraceJson, SaysWhatItShowsAndWhatNot) {
  const Deployment deployment = two_devices();
  const TimelineRequest wanted{.steps = {0, 32}};
  const auto shown = Json::parse(
      trace_case("c", two_ranks(deployment), wanted, deployment, 0, kMostTraceBytes).shown);
  EXPECT_EQ(shown["pools"][0]["first_step"], 0);
  EXPECT_EQ(shown["pools"][0]["last_step"], 1);
  EXPECT_EQ(shown["pools"][0]["note"], "fewer than the 32 steps wanted, to keep the file small");
}

}  // namespace
}  // namespace moesim
