#include "scenarios/format/keys/workload_keys.h"

#include "scenarios/format/keys/length_keys.h"

namespace moesim {
namespace {

constexpr form::Quantity kLimit{.max = 3650 * 86400.0, .most = "3650 days"};
constexpr form::Quantity kHorizon{.max = 3650 * 86400.0, .most = "3650 days", .min = 1e-3};
constexpr form::Whole kRequests{1, kMostRequests};
constexpr const char* kTraceFile = "A .csv, .jsonl or .json trace of requests";

form::Either either(const form::Part& short_form, const form::Part& map) {
  return {{short_form, map}, form::allowed_text(short_form.form)};
}

}  // namespace

const KeyMap<TraceColumns>& trace_column_keys() {
  using C = TraceColumns;
  static const KeyMap<C> map = {
      "{timestamp: arrived, input_tokens: prompt, output_tokens: answer}",
      {
          key(&C::timestamp, "timestamp", form::Text{}, otherwise("no arrival times"),
              "Column of arrivals: dates, or numbers of time_unit"),
          key(&C::input_tokens, "input_tokens", form::Text{}, kRequired,
              "Column of the tokens of prompts"),
          key(&C::output_tokens, "output_tokens", form::Text{}, kRequired,
              "Column of the tokens of answers"),
          key(&C::status, "status", form::Text{}, otherwise("0 output tokens tell failed rows"),
              "Column that tells failed rows: 200 or 500, ok or error, true or false"),
      }};
  return map;
}

const KeyMap<TracePart>& trace_keys() {
  using T = TracePart;
  const Applies<T> with_columns{
      "with columns", [](const T& trace) {
        return trace.columns ? "" : "only with columns; a published format has its own unit";
      }};
  static const KeyMap<T> map = {
      "{file: trace.csv, limit: 1000}",
      {
          key(&T::file, "file", form::Text{}, kRequired, kTraceFile),
          key(&T::limit, "limit", kRequests, otherwise("all"),
              "Requests to take from its beginning"),
          key("columns", trace_column_keys().form(), otherwise("by the published format"),
              "Names of the columns of a trace in no published format"),
          key(&T::time_unit, "time_unit", form::Word<TimeUnit>{}, otherwise("timestamps are dates"),
              "Unit of timestamps that are numbers", with_columns),
          key(&T::rate, "rate", kArrivalRate, otherwise("all requests arrive at once"),
              "Random arrivals at this rate, for traces without arrival times"),
          key(&T::scale, "scale", form::Number{0.001, 1000}, otherwise("1"),
              "Factor of its arrival rate: 1.5 for half as much traffic again"),
          key(&T::characters_per_token, "characters_per_token", form::Number{0.1, 100},
              otherwise("sim/deployment/text_tokens.yaml"),
              "Characters of a token, for traces of texts without token counts"),
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
          key(&C::requests, "requests", kRequests, otherwise("until the figures are precise"),
              "Requests of all of them, at least one each"),
      }};
  return map;
}

const KeyMap<LognormalTime>& think_lognormal_keys() {
  using L = LognormalTime;
  static const KeyMap<L> map = {
      "{mean: 30 s, p99: 3 min}",
      {
          key(&L::mean, "mean", kThinkTime, kRequired, "Mean pause"),
          key(&L::p99, "p99", kThinkTime, kRequired, "99th percentile of pauses"),
      }};
  return map;
}

const KeyMap<Users>& users_keys() {
  using U = Users;
  const Default none = otherwise("none");
  form::Map drawn{{key("exponential", kThinkTime, none, "Exponential pauses with this mean"),
                   key("lognormal", think_lognormal_keys().form(), none, "Log-normal pauses")},
                  "{lognormal: {mean: 30 s, p99: 3 min}}",
                  true};
  static const KeyMap<U> map = {
      "{count: 300, think_time: 30 s}",
      {
          key(&U::count, "count", kUsers, kRequired, "How many"),
          key("think_time",
              form::Either{{{kThinkTime, "Every pause"}, {drawn, "A distribution: one of these"}},
                           "a time or a distribution"},
              kRequired, "Pause between an answer and the next request of a user"),
          key(&U::requests, "requests", kRequests, otherwise("until the figures are precise"),
              "Requests of all of them, at least one each"),
      }};
  return map;
}

const KeyMap<Bursts>& gamma_keys() {
  using B = Bursts;
  static const KeyMap<B> map = {
      "{rate: 8/s, cv: 2}",
      {
          key(&B::rate, "rate", kArrivalRate, kRequired, "Mean rate of arrivals"),
          key(&B::cv, "cv", form::Number{0.01, 100}, kRequired,
              "Standard deviation over mean of the gaps: 1 as poisson, above 1 in bursts"),
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
                  either({form::Text{}, kTraceFile}, {trace_keys().form(), "A part of a trace"}),
                  none, "Recorded requests with their lengths"),
              key("poisson", kArrivalRate, none, "Random arrivals"),
              key("gamma", gamma_keys().form(), none, "Random arrivals in bursts"),
              key("users", users_keys().form(), none, "Users who read and think between requests"),
              key("closed_loop",
                  either({kUsers, "Users who ask again as soon as they are answered"},
                         {closed_loop_keys().form(), "A closed loop"}),
                  none, "Users who never pause: full load"),
              key("static", static_keys().form(), none, "Requests that all arrive at once"),
          },
          "{trace: FILE}, {poisson: 8/s}, {gamma: {rate: 8/s, cv: 2}}, {users: {count: 300, "
          "think_time: "
          "30 s}}, {closed_loop: 256}, {static: {batch: 8}}",
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
      key(&Workload::horizon, "horizon", kHorizon,
          otherwise("poisson and closed_loop go on until the figures are precise, others until all "
                    "requests are answered"),
          "When the simulation ends"),
      key("warm_up",
          form::Either{{{form::Constant{kWarmUpAuto}, "Found in the queue"},
                        {form::Constant{kWarmUpNone}, "Everything is measured"},
                        {kWarmUpTime, "Simulated time"},
                        {kWarmUpRequests, "Requests that have ended"}},
                       "auto, none, a time such as 30 s, or 500 requests expected"},
          by_default(kWarmUpAuto), "The start of the simulation that is not measured"),
      key("measure", form::Word<Measure>{}, by_default("steady"),
          "Whether figures describe the steady state, or all from the first request to the last"),
      key("start", form::Word<Start>{}, otherwise("staggered; together with measure: all"),
          "Whether users begin at different points of a request or pause",
          "with closed_loop or users"),
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
