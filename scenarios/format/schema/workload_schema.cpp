// The traffic of a scenario, and what a sweep varies.
#include "scenarios/format/schema/schema_parts.h"

namespace moesim::schema {
namespace {

constexpr std::int64_t kMaxTokens = 10'000'000;
constexpr std::int64_t kMaxRequests = 10'000'000;
constexpr std::int64_t kMaxUsers = 1'000'000;
constexpr std::int64_t kMaxSamples = 1'000'000;

Json length(const std::string& meaning) {
  const Json tokens = whole_number(1, kMaxTokens, "Tokens of every request");
  const auto real = [](const char* what) { return number(1, kMaxTokens, what); };
  const auto whole = [](const char* what) { return whole_number(1, kMaxTokens, what); };
  const Json lognormal =
      map_of("Log-normal lengths", {{"mean", real("Mean number of tokens"), Need::kRequired},
                                    {"p99", real("99th percentile of tokens"), Need::kRequired}});
  const Json uniform =
      map_of("Lengths evenly spread", {{"min", whole("Fewest tokens"), Need::kRequired},
                                       {"max", whole("Most tokens"), Need::kRequired}});
  Json drawn =
      map_of("A distribution: one of these", {{"lognormal", by_default_as("none", lognormal)},
                                              {"uniform", by_default_as("none", uniform)}});
  drawn["minProperties"] = drawn["maxProperties"] = 1;
  return either({tokens, drawn}, meaning);
}

Json requests() {
  const Json users = whole_number(1, kMaxUsers, "Users who ask again as soon as they are answered");
  const auto count = [](const char* what) { return whole_number(1, kMaxRequests, what); };
  const Json closed = map_of(
      "A closed loop",
      {{"concurrency", users, Need::kRequired},
       {"requests",
        by_default_as("ten per user", count("Requests of all of them, at least one each"))}});
  const Json file = text("A .csv or .jsonl trace of requests");
  const Json trace =
      map_of("A part of a trace",
             {{"file", file, Need::kRequired},
              {"limit", by_default_as("all", count("Requests to take from its beginning"))}});
  const Json batch =
      map_of("Requests that all arrive at once", {{"batch", count("How many"), Need::kRequired}});
  const auto kind = [](const Json& schema) { return by_default_as("none", schema); };
  Json kinds =
      map_of("How requests arrive: exactly one of these",
             {{"trace", kind(either({file, trace}, "Recorded requests with their lengths"))},
              {"poisson", kind(quantity(Dimension::kRate, "Random arrivals, up to the horizon"))},
              {"closed_loop", kind(either({users, closed}, "Users who never pause: full load"))},
              {"static", kind(batch)}});
  kinds["minProperties"] = kinds["maxProperties"] = 1;
  return kinds;
}

// Points drawn at random or by a Sobol sequence.
Json sample() {
  const auto end = [](const char* what) { return text(what); };
  const Json range =
      map_of("A range",
             {{"from", end("Smallest value, with its unit if it has one"), Need::kRequired},
              {"to", end("Largest value"), Need::kRequired},
              {"log", by_default(false, flag("Whether values are even on a logarithmic scale"))},
              {"integer", by_default_as("true if both ends are whole and without a unit",
                                        flag("Whether all values are whole"))}});
  const auto count = [](const char* what) {
    return by_default_as("none; one of sobol and random is needed",
                         whole_number(1, kMaxSamples, what));
  };
  const Json values = {{"type", "array"}, {"minItems", 1}};
  return {{"type", "object"},
          {"description", "Points drawn from ranges: paths with a range, or a list to choose from"},
          {"properties",
           {{"sobol", count("Points of a Sobol sequence, which fill the space evenly")},
            {"random", count("Points at random, by the scenario's seed")}}},
          {"oneOf", {{{"required", {"sobol"}}}, {{"required", {"random"}}}}},
          {"minProperties", 2},
          {"additionalProperties", either({range, values}, "The path's range, or its values")}};
}

}  // namespace

Json workload() {
  const Json input = length("Tokens of a prompt"), output = length("Tokens of an answer");
  const auto limit = [](const std::string& what) {
    return by_default_as("no limit", quantity(Dimension::kTime, "Limit of the P99 of " + what));
  };
  const Json lengths =
      map_of("Lengths of requests; a trace brings its own, all others need them",
             {{"input", input, Need::kRequired}, {"output", output, Need::kRequired}});
  const Json slo = map_of("Service level; a case that misses it cannot win",
                          {{"ttft_p99", limit("time to first token")},
                           {"tpot_p99", limit("time per output token after the first")}});
  Json workload =
      map_of("The traffic, the same for all cases",
             {{"requests", requests(), Need::kRequired},
              {"lengths", by_default_as("the trace's", lengths)},
              {"horizon", by_default_as("when all requests are answered; poisson needs one",
                                        quantity(Dimension::kTime, "When the simulation ends"))},
              {"slo", by_default_as("no limits", slo)}});
  const auto asks_for = [](const char* kind) -> Json {
    return {{"required", {"requests"}}, {"properties", {{"requests", {{"required", {kind}}}}}}};
  };
  const Json has_lengths = {{"required", {"lengths"}}};
  workload["allOf"] = {
      {{"if", asks_for("trace")}, {"then", {{"not", has_lengths}}}, {"else", has_lengths}},
      {{"if", asks_for("poisson")}, {"then", {{"required", {"horizon"}}}}}};
  return workload;
}

// Paths are keys of their own, which only the cases' names can tell.
Json sweep() {
  const Json values = {
      {"type", "array"}, {"minItems", 1}, {"description", "Values that the path takes"}};
  const Json condition = text("A condition such as ep * tp <= gpus");
  const std::string conditions = "Conditions that a point has to meet to be a row";
  const Json where = either({condition, list_of(conditions, condition)}, conditions);
  const Json points =
      list_of("Points of your own: maps of paths and values; {} = the cases as they are",
              {{"type", "object"}, {"description", "Paths with their values"}});
  return {{"type", "object"},
          {"properties",
           {{"points", by_default_as("none", points)},
            {"sample", by_default_as("none", sample())},
            {"where", by_default_as("every point is a row", where)}}},
          {"additionalProperties", values},
          {"description",
           "What is varied: paths, e.g. CASE.model.top_k, with the values that they take; every "
           "combination is a row (default: nothing)"}};
}

}  // namespace moesim::schema
