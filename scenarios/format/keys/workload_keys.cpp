#include "scenarios/format/keys/workload_keys.h"

#include "scenarios/format/keys/length_keys.h"

namespace moesim {
namespace {

constexpr form::Quantity kLimit{.max = 3650 * 86400.0, .most = "3650 days"};
constexpr form::Whole kRequests{1, kMaxRequests};

form::Either either(const form::Part& short_form, const form::Part& map) {
  return {{short_form, map}, form::allowed_text(short_form.form)};
}

}  // namespace

const KeyMap<TracePart>& trace_keys() {
  using T = TracePart;
  static const KeyMap<T> map = {
      "{file: trace.csv, limit: 1000}",
      {
          key(&T::file, "file", form::Text{}, kRequired, "A .csv or .jsonl trace of requests"),
          key(&T::limit, "limit", kRequests, otherwise("all"),
              "Requests to take from its beginning"),
      }};
  return map;
}

const KeyMap<ClosedLoop>& closed_loop_keys() {
  using C = ClosedLoop;
  static const KeyMap<C> map = {
      "{concurrency: 256, requests: 2560}",
      {
          key(&C::concurrency, "concurrency", kUsers, kRequired,
              "Users who ask again as soon as they are answered"),
          key(&C::requests, "requests", kRequests, otherwise("ten per user"),
              "Requests of all of them, at least one each"),
      }};
  return map;
}

const KeyMap<StaticBatch>& static_keys() {
  static const KeyMap<StaticBatch> map = {
      "{batch: 8}", {key(&StaticBatch::batch, "batch", kRequests, kRequired, "How many")}};
  return map;
}

form::Map requests_map() {
  const Default none = otherwise("none");
  return {{
              key("trace",
                  either({form::Text{}, "A .csv or .jsonl trace of requests"},
                         {trace_keys().form(), "A part of a trace"}),
                  none, "Recorded requests with their lengths"),
              key("poisson", kArrivalRate, none, "Random arrivals, up to the horizon"),
              key("closed_loop",
                  either({kUsers, "Users who ask again as soon as they are answered"},
                         {closed_loop_keys().form(), "A closed loop"}),
                  none, "Users who never pause: full load"),
              key("static", static_keys().form(), none, "Requests that all arrive at once"),
          },
          "{trace: FILE}, {poisson: 8/s}, {closed_loop: 256}, {static: {batch: 8}}",
          true};
}

const KeyMap<ServiceLevel>& slo_keys() {
  using S = ServiceLevel;
  static const KeyMap<S> map = {
      "{ttft_p99: 2 s, tpot_p99: 100 ms}",
      {
          key(&S::ttft_p99, "ttft_p99", kLimit, otherwise("no limit"),
              "Limit of the P99 of time to first token"),
          key(&S::tpot_p99, "tpot_p99", kLimit, otherwise("no limit"),
              "Limit of the P99 of time per output token after the first"),
      }};
  return map;
}

const Keys<Workload>& workload_keys() {
  static const Keys<Workload> keys = {
      key("requests", requests_map(), kRequired, "How requests arrive: exactly one of these"),
      key("lengths", length_map(), otherwise("the trace's"),
          "Lengths of requests; a trace brings its own, all others need them"),
      key(&Workload::horizon, "horizon", kLimit,
          otherwise("when all requests are answered; poisson needs one"),
          "When the simulation ends"),
      key("slo", slo_keys().form(), otherwise("no limits"),
          "Service level; a case that misses it cannot win"),
  };
  return keys;
}

KeyFacts workload_key() {
  return key("workload", form::Map{facts_of(workload_keys()), "{requests: ..., lengths: ...}"},
             kRequired, "The traffic, the same for all cases");
}

}  // namespace moesim
