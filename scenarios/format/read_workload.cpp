#include "scenarios/format/read_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>

#include "base/random.h"
#include "scenarios/format/keys/length_keys.h"
#include "scenarios/format/keys/workload_keys.h"
#include "scenarios/format/read_value.h"
#include "scenarios/format/trace/trace.h"

namespace moesim {
namespace {

constexpr double kNormalQuantile99 = 2.3263478740408408;

using DrawLength = std::function<std::int64_t(RandomStream&)>;

// A log-normal length with a given mean and 99th percentile:
//   ln p99 - ln mean = z s - s^2 / 2   =>   s = z - sqrt(z^2 - 2 ln(p99 / mean)),   z = 2.326
// (the smaller root: the one that goes to 0 as p99 goes to the mean).
std::optional<DrawLength> read_lognormal(const Value& value) {
  auto reader = open_map(value, lognormal_keys());
  if (!reader) return std::nullopt;
  LognormalLength length;
  read_keys(*reader, lognormal_keys().keys, length);
  reader->done();
  if (length.mean == 0 || length.p99 == 0) return std::nullopt;
  const double log_ratio = std::log(length.p99 / length.mean);
  const double discriminant = kNormalQuantile99 * kNormalQuantile99 - 2 * log_ratio;
  if (log_ratio < 0 || discriminant < 0) {
    reader->optional("p99")->fault(
        fmt::format("a p99 from the mean ({}) to {:.0f} expected", length.mean,
                    length.mean * std::exp(kNormalQuantile99 * kNormalQuantile99 / 2)));
    return std::nullopt;
  }
  const double sigma = kNormalQuantile99 - std::sqrt(discriminant);
  const double mu = std::log(length.mean) - sigma * sigma / 2;
  return [mu, sigma](RandomStream& random) {
    boost::random::normal_distribution<double> normal(mu, sigma);
    const double tokens = std::round(std::exp(normal(random)));
    return static_cast<std::int64_t>(std::clamp(tokens, 1.0, static_cast<double>(kTokens.max)));
  };
}

std::optional<DrawLength> read_uniform(const Value& value) {
  auto reader = open_map(value, uniform_keys());
  if (!reader) return std::nullopt;
  UniformLength length;
  read_keys(*reader, uniform_keys().keys, length);
  reader->done();
  if (length.min == 0 || length.max == 0) return std::nullopt;
  if (length.max < length.min) {
    reader->optional("max")->integer(length.min, kTokens.max);
    return std::nullopt;
  }
  return [length](RandomStream& random) {
    return length.min + static_cast<std::int64_t>(random.below(length.max - length.min + 1));
  };
}

// 1024, {lognormal: {mean, p99}} or {uniform: {min, max}}.
std::optional<DrawLength> read_length(const Value& value) {
  if (!value.is_map()) {
    const auto fixed = kTokens.read(value);
    if (!fixed) return std::nullopt;
    return [fixed](RandomStream&) { return *fixed; };
  }
  MapReader reader(value);
  const auto lognormal = reader.optional("lognormal");
  const auto uniform = reader.optional("uniform");
  reader.done();
  if (lognormal.has_value() == uniform.has_value()) {
    value.fault("a number of tokens, or one of lognormal, uniform expected");
    return std::nullopt;
  }
  return lognormal ? read_lognormal(*lognormal) : read_uniform(*uniform);
}

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

// Draws requests: input and output lengths from streams of their own.
class LengthSource {
 public:
  LengthSource(const std::optional<Value>& value, std::uint64_t seed)
      : input_random_(seed, "input lengths"), output_random_(seed, "output lengths") {
    if (!value) return;
    const form::Map& map = length_map();
    if (!value->is_map()) {
      value->fault(form::allowed_text(map));
      return;
    }
    MapReader reader(*value);
    const auto input = value_of(reader, map.keys[0]);
    const auto output = value_of(reader, map.keys[1]);
    reader.done();
    if (input) input_ = read_length(*input);
    if (output) output_ = read_length(*output);
  }
  Request next(Seconds arrival) {
    if (!input_ || !output_) return {arrival, 1, 1};  // A fault was reported; nothing will run.
    return {arrival, (*input_)(input_random_), (*output_)(output_random_)};
  }

 private:
  RandomStream input_random_;
  RandomStream output_random_;
  std::optional<DrawLength> input_;
  std::optional<DrawLength> output_;
};

struct WorkloadReader {
  MapReader reader;
  std::uint64_t seed;
  Variation variation;  // How tokens of texts are drawn.
  Workload workload;

  LengthSource lengths() {
    return LengthSource(
        reader.required("lengths", "lengths such as " + length_map().example + " expected"), seed);
  }

  void add_requests(std::int64_t count) {
    LengthSource source = lengths();
    for (std::int64_t i = 0; i < count; ++i) workload.requests.push_back(source.next(Seconds(0)));
  }

  void read_static(const Value& value) {
    workload.kind = ArrivalKind::kStatic;
    StaticBatch batch;
    read_map(value, static_keys(), batch);
    add_requests(batch.batch);
    workload.description = fmt::format("static batch of {}", batch.batch);
  }

  // closed_loop: 256, or {concurrency: 256, requests: 2560}; ten rounds unless said otherwise.
  void read_closed_loop(const Value& value) {
    workload.kind = ArrivalKind::kClosedLoop;
    ClosedLoop loop;
    if (value.is_map()) {
      MapReader map(value);
      read_keys(map, closed_loop_keys().keys, loop);
      map.done();
      if (loop.requests && *loop.requests < loop.concurrency) {
        map.optional("requests")
            ->fault(fmt::format("at least as many requests as users ({})", loop.concurrency));
      }
    } else {
      loop.concurrency = kUsers.read(value).value_or(0);
    }
    const std::int64_t count = loop.requests.value_or(10 * loop.concurrency);
    workload.concurrency = loop.concurrency;
    add_requests(count);
    workload.description =
        fmt::format("closed loop of {} users, {} requests", workload.concurrency, count);
  }

  void read_poisson(const Value& value) {
    const auto rate = kArrivalRate.read(value);
    reader.required("horizon", "Poisson arrivals need a horizon, e.g. horizon: 10 min");
    LengthSource source = lengths();
    if (!rate || !workload.horizon) return;
    if (*rate * workload.horizon->value() > static_cast<double>(kMaxRequests)) {
      value.fault(fmt::format("at most {} requests within the horizon", kMaxRequests));
      return;
    }
    RandomStream random(seed, "arrivals");
    boost::random::exponential_distribution<double> gap(*rate);
    for (double t = gap(random); t < workload.horizon->value(); t += gap(random)) {
      workload.requests.push_back(source.next(Seconds(t)));
    }
    workload.description = fmt::format("Poisson arrivals at {:g}/s", *rate);
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

  void read() {
    std::optional<Value> requests;
    read_keys(reader, workload_keys(), workload,
              {{"requests", [&](const auto& value) { requests = value; }},
               {"slo", [this](const auto& value) {
                  if (value) read_map(*value, slo_keys(), workload.slo);
                }}});
    if (requests) read_requests(*requests);
    reader.done();
  }
};

}  // namespace

Workload read_workload(const Value& value, std::uint64_t seed, const Variation& variation) {
  WorkloadReader workload{MapReader(value), seed, variation, {}};
  workload.read();
  return workload.workload;
}

}  // namespace moesim
