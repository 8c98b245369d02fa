#include "scenarios/format/keys/workload_keys.h"

#include "scenarios/format/keys/length_keys.h"

namespace moesim {
namespace {

constexpr form::Quantity kLimit{.max = 3650 * 86400.0, .most = "3650 days"};
constexpr form::Quantity kHorizon{.max = 3650 * 86400.0, .most = "3650 days", .min = 1e-3};
constexpr form::Whole kRequests{1, kMaxRequests};
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
                  either({form::Text{}, kTraceFile}, {trace_keys().form(), "A part of a trace"}),
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
      key(&Workload::horizon, "horizon", kHorizon,
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
