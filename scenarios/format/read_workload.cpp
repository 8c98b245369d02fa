#include "scenarios/format/read_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <boost/random/gamma_distribution.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <span>

#include "base/random.h"
#include "scenarios/format/keys/length_keys.h"
#include "scenarios/format/keys/workload_keys.h"
#include "scenarios/format/read_lengths.h"
#include "scenarios/format/read_think_time.h"
#include "scenarios/format/read_value.h"
#include "scenarios/format/trace/trace.h"

namespace moesim {
namespace {

// Of traffic without an end: enough to judge what its requests need.
constexpr std::int64_t kListedRequests = 1000;

// Faults of a trace: those of the whole file belong to the value that names it.
void refuse_trace(const Value& value, const std::string& path, const InputError& error) {
  for (const Fault& fault : error.faults()) {
    if (fault.line > 0 || fault.allowed.empty()) {
      value.faults().add(fault);
    } else {
      value.fault((fault.value.empty() ? "" : fault.value + ": ") + fault.allowed, path);
    }
  }
}

struct WorkloadReader {
  MapReader reader;
  std::uint64_t seed;
  Variation variation;  // How tokens of texts are drawn.
  Workload workload;
  Measure measure = Measure::kSteady;
  std::optional<Start> start;

  LengthSource lengths() {
    return LengthSource(
        reader.required("lengths", "lengths such as " + length_map().example + " expected"), seed);
  }

  void add_requests(std::int64_t count, std::function<Request()>& generate) {
    for (std::int64_t i = 0; i < count; ++i) workload.requests.push_back(generate());
  }

  // Requests without an end; those listed stand for them all.
  void go_on(std::int64_t listed, std::function<Request()> generate) {
    add_requests(listed, generate);
    workload.more = std::move(generate);
    if (!workload.horizon) {
      workload.precision = variation.as_stated() ? kNominalPrecision : kSamplePrecision;
    }
  }

  std::function<Request()> at_once() {
    return [source = lengths()]() mutable { return source.next(Seconds(0)); };
  }

  void read_static(const Value& value) {
    workload.kind = ArrivalKind::kStatic;
    StaticBatch batch;
    read_map(value, static_keys(), batch);
    std::function<Request()> generate = at_once();
    add_requests(batch.batch, generate);
    workload.description = fmt::format("static batch of {}", batch.batch);
  }

  // closed_loop: 256, or {concurrency: 256, requests: 2560}.
  void read_closed_loop(const Value& value) {
    ClosedLoop loop;
    if (value.is_map()) {
      MapReader map(value);
      read_keys(map, closed_loop_keys().keys, loop);
      map.done();
      check_requests(map, loop.concurrency, loop.requests);
    } else {
      loop.concurrency = kUsers.read(value).value_or(0);
    }
    workload.description = fmt::format("closed loop of {} users", loop.concurrency);
    loop_of(loop.concurrency, loop.requests, at_once());
  }

  static void check_requests(MapReader& map, std::int64_t users,
                             const std::optional<std::int64_t>& requests) {
    if (!requests || *requests >= users) return;
    map.optional("requests")->fault(fmt::format("at least as many requests as users ({})", users));
  }

  // Users and their requests; measured whole, ten each unless said otherwise.
  void loop_of(std::int64_t users, std::optional<std::int64_t> requests,
               std::function<Request()> generate) {
    workload.kind = ArrivalKind::kClosedLoop;
    workload.concurrency = users;
    if (measure == Measure::kAll && !requests) requests = 10 * users;
    if (requests) {
      add_requests(*requests, generate);
      workload.description += fmt::format(", {} requests", *requests);
    } else {
      go_on(std::max(kListedRequests, users), std::move(generate));
    }
    if (starts() == Start::kStaggered) stagger();
  }

  void read_users(const Value& value) {
    Users users;
    std::function<Seconds()> think;
    auto map = open_map(value, users_keys());
    if (!map) return;
    read_keys(*map, users_keys().keys, users, {{"think_time", [&](const auto& time) {
                                                  if (time) think = read_think_time(*time, seed);
                                                }}});
    map->done();
    check_requests(*map, users.count, users.requests);
    std::function<Request()> generate = at_once();
    if (!think) return;
    workload.description = fmt::format("{} users who think between requests", users.count);
    loop_of(users.count, users.requests, [generate, think]() mutable {
      Request request = generate();
      request.pause = think();
      return request;
    });
  }

  Start starts() const {
    return start.value_or(measure == Measure::kAll ? Start::kTogether : Start::kStaggered);
  }

  // Every user begins at a point of its own: a share of its first answer is part of the prompt
  // already; of a user who pauses first, a share of the pause is over. Shares are multiples of the
  // golden ratio, which spreads any number of them evenly (Knuth, "The Art of Computer
  // Programming", volume 3, section 6.4).
  void stagger() {
    constexpr double kGoldenRatio = 0.6180339887498949;
    double share = 0;
    const auto users = static_cast<std::size_t>(workload.concurrency);
    for (Request& request :
         std::span(workload.requests).first(std::min(users, workload.requests.size()))) {
      share = std::fmod(share + kGoldenRatio, 1.0);
      if (request.pause > Seconds(0)) {
        request.pause = request.pause * share;
        continue;
      }
      const auto done =
          static_cast<std::int64_t>(share * static_cast<double>(request.output_tokens - 1));
      request.input_tokens += done;
      request.output_tokens -= done;
    }
  }

  void read_poisson(const Value& value) {
    const auto rate = kArrivalRate.read(value);
    if (rate) workload.description = fmt::format("Poisson arrivals at {:g}/s", *rate);
    arrive(value, rate, boost::random::exponential_distribution<double>(rate.value_or(1)));
  }

  // Gaps of mean 1/rate and standard deviation cv/rate: shape 1/cv^2, scale cv^2/rate.
  void read_gamma(const Value& value) {
    Bursts bursts;
    const bool is_read = read_map(value, gamma_keys(), bursts) && bursts.rate > 0 && bursts.cv > 0;
    const double shape = is_read ? 1 / (bursts.cv * bursts.cv) : 1;
    workload.description =
        fmt::format("arrivals at {:g}/s in bursts of cv {:g}", bursts.rate, bursts.cv);
    arrive(value, is_read ? std::optional(bursts.rate) : std::nullopt,
           boost::random::gamma_distribution<double>(shape, 1 / (shape * bursts.rate)));
  }

  // Random arrivals. `rate`: nothing after a fault.
  template <class Gap>
  void arrive(const Value& value, const std::optional<double>& rate, const Gap& gap) {
    if (measure == Measure::kAll && !reader.has("horizon")) {
      reader.required("horizon", "arrivals that are measured whole need a horizon, e.g. 10 min");
    }
    std::function<Request()> generate =
        [source = lengths(), random = RandomStream(seed, "arrivals"), gap = Gap(gap),
         time = 0.0]() mutable { return source.next(Seconds(time += gap(random))); };
    if (!rate) return;
    if (!workload.horizon) return go_on(kListedRequests, std::move(generate));
    if (*rate * workload.horizon->value() > static_cast<double>(kMostRequests)) {
      value.fault(fmt::format("at most {} requests within the horizon", kMostRequests));
      return;
    }
    for (Request next = generate(); next.arrival < *workload.horizon; next = generate()) {
      workload.requests.push_back(next);
    }
    if (workload.requests.empty()) value.fault("at least one request within the horizon");
  }

  // A fault of a part of a trace beside those of its file.
  static void refuse_key(const Value& trace, const std::string& key, const std::string& allowed) {
    MapReader(trace).optional(key)->fault(allowed, "given");
  }

  // All at once, or by a rate.
  void set_arrivals(const TracePart& part, const std::string& told) {
    if (!part.rate) {
      workload.notes.push_back(told +
                               "it states no arrival times, so that all requests arrive at once; "
                               "rate: 8/s would draw them.");
      return;
    }
    RandomStream random(seed, "arrivals");
    boost::random::exponential_distribution<double> gap(*part.rate);
    double t = 0;
    for (Request& request : workload.requests) request.arrival = Seconds(t += gap(random));
    workload.notes.push_back(fmt::format(
        "{}it states no arrival times, so that they are drawn at {:g}/s.", told, *part.rate));
  }

  void take_trace(Trace trace, const TracePart& part, const Value& value) {
    const std::string name = std::filesystem::path(part.file).filename().string();
    const std::string told = fmt::format("Trace {}: ", name);
    workload.requests = std::move(trace.requests);
    workload.description = fmt::format("trace {}, {} requests", name, workload.requests.size());
    for (const std::string& note : trace.notes) workload.notes.push_back(told + note + ".");
    if (!trace.has_times) set_arrivals(part, told);
    for (Request& request : workload.requests) request.arrival = request.arrival / part.scale;
    if (part.scale != 1) {
      workload.notes.push_back(
          fmt::format("{}its arrival rate is multiplied by {:g}.", told, part.scale));
    }
    if (trace.has_times && part.rate) {
      refuse_key(value, "rate", "this trace brings its own arrival times; leave this out");
    }
    if (trace.has_tokens && part.characters_per_token) {
      refuse_key(value, "characters_per_token", "this trace states its tokens; leave this out");
    }
  }

  // trace: FILE, or a map. Relative to the scenario's folder, else to the current.
  void read_trace_file(const Value& value) {
    TracePart part;
    if (value.is_map()) {
      read_map(value, trace_keys(), part, {{"columns", [&](const auto& columns) {
                                              if (columns)
                                                read_map(*columns, trace_column_keys(),
                                                         part.columns.emplace());
                                            }}});
    } else {
      part.file = value.text().value_or("");
    }
    const bool lacks_columns =
        part.columns && (part.columns->input_tokens.empty() || part.columns->output_tokens.empty());
    if (part.file.empty() || lacks_columns) return;
    const std::string path = file_beside(value, part.file);
    try {
      take_trace(read_trace(path, part, variation), part, value);
    } catch (const InputError& e) {
      refuse_trace(value, path, e);
    }
  }

  void read_requests(const Value& requests) {
    if (!requests.is_map()) {
      requests.fault("one of " + requests_map().example + " expected");
      return;
    }
    using Read = void (WorkloadReader::*)(const Value&);
    static const std::map<std::string_view, Read> kReaders = {
        {"trace", &WorkloadReader::read_trace_file},
        {"poisson", &WorkloadReader::read_poisson},
        {"gamma", &WorkloadReader::read_gamma},
        {"users", &WorkloadReader::read_users},
        {"closed_loop", &WorkloadReader::read_closed_loop},
        {"static", &WorkloadReader::read_static}};
    MapReader map(requests);
    std::vector<std::string> kinds;
    std::vector<std::pair<std::string, Value>> given;
    for (const KeyFacts& kind : requests_map().keys) {
      kinds.push_back(kind.name);
      if (const auto value = map.optional(kind.name)) given.emplace_back(kind.name, *value);
    }
    map.done();
    if (given.size() != 1) {
      requests.fault("exactly one of " + comma_list(kinds) + " expected",
                     fmt::format("{} of them", given.size()));
      return;
    }
    const auto& [kind, value] = given.front();
    (this->*kReaders.at(kind))(value);
    if (kind == "trace" && reader.has("lengths")) {
      reader.optional("lengths")->fault("a trace brings its own lengths; leave this out", "given");
    }
  }

  void read_warm_up(const Value& value) {
    WarmUp& warm_up = workload.warm_up;
    warm_up.automatic = false;
    const std::string text = value.text().value_or("");
    if (text == kWarmUpAuto || text == kWarmUpNone) {
      warm_up.automatic = text == kWarmUpAuto;
    } else if (text.ends_with(kWarmUpRequests.of)) {
      warm_up.requests = kWarmUpRequests.read(value).value_or(0);
    } else if (!parse_quantity(text, Dimension::kTime)) {
      value.fault(std::string(allowed_quantity(Dimension::kTime)) +
                  "; or auto, none, 500 requests expected");
    } else if (const auto time = kWarmUpTime.read(value)) {
      warm_up.time = Seconds(*time);
    }
  }

  // What the kind of traffic, known by now, leaves to be measured.
  void settle_window(bool is_trace) {
    const bool is_batch = workload.kind == ArrivalKind::kStatic;
    const auto refuse = [this](const char* key, bool applies, const char* allowed) {
      if (!applies && reader.has(key)) reader.optional(key)->fault(allowed, "given");
    };
    const bool warms_up = measure == Measure::kSteady && !is_batch;
    const bool is_stated = workload.warm_up.time || workload.warm_up.requests > 0;
    refuse("warm_up", warms_up || !is_stated,
           "only with measure: steady, and not with a static batch");
    refuse("start", workload.kind == ArrivalKind::kClosedLoop, "only with closed_loop or users");
    if (!warms_up) workload.warm_up = {};
    workload.stationary = warms_up && !is_trace;
  }

  void read() {
    std::optional<Value> requests;
    workload.warm_up.automatic = true;
    read_keys(reader, workload_keys(), workload,
              {{"requests", [&](const auto& value) { requests = value; }},
               {"warm_up",
                [this](const auto& value) {
                  if (value) read_warm_up(*value);
                }},
               {"measure",
                [this](const auto& value) {
                  if (value) measure = form::Word<Measure>{}.read(*value).value_or(measure);
                }},
               {"start",
                [this](const auto& value) {
                  if (value) start = form::Word<Start>{}.read(*value);
                }},
               {"slo", [this](const auto& value) {
                  if (value) read_map(*value, slo_keys(), workload.slo);
                }}});
    if (requests) {
      read_requests(*requests);
      settle_window(requests->is_map() && MapReader(*requests).has("trace"));
    }
    reader.done();
  }
};

}  // namespace

Workload read_workload(const Value& value, std::uint64_t seed, const Variation& variation) {
  WorkloadReader workload{MapReader(value), seed, variation, {}, Measure::kSteady, {}};
  workload.read();
  return workload.workload;
}

}  // namespace moesim
