#include "scenarios/format/read_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <filesystem>
#include <functional>

#include "base/random.h"
#include "scenarios/format/read_value.h"
#include "scenarios/format/trace.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxTokens = 10'000'000;
constexpr std::int64_t kMaxRequests = 10'000'000;
constexpr QuantityLimit kMaxRate = {1e9, "1e9/s"};
constexpr QuantityLimit kMaxHorizon = {3650 * 86400.0, "3650 days"};
constexpr double kNormalQuantile99 = 2.3263478740408408;

using DrawLength = std::function<std::int64_t(RandomStream&)>;

// A log-normal length with a given mean and 99th percentile:
//   ln p99 - ln mean = z s - s^2 / 2   =>   s = z - sqrt(z^2 - 2 ln(p99 / mean)),   z = 2.326
// (the smaller root: the one that goes to 0 as p99 goes to the mean).
std::optional<DrawLength> read_lognormal(const Value& value) {
  auto reader = map_like(value, "{mean: 256, p99: 1500}");
  if (!reader) return std::nullopt;
  const auto mean_value = reader->required("mean", "a number of tokens");
  const auto p99_value = reader->required("p99", "a number of tokens");
  reader->done();
  const double mean = mean_value ? mean_value->number(1, kMaxTokens).value_or(0) : 0;
  const double p99 = p99_value ? p99_value->number(1, kMaxTokens).value_or(0) : 0;
  if (mean == 0 || p99 == 0) return std::nullopt;
  const double log_ratio = std::log(p99 / mean);
  const double discriminant = kNormalQuantile99 * kNormalQuantile99 - 2 * log_ratio;
  if (log_ratio < 0 || discriminant < 0) {
    p99_value->fault(fmt::format("a p99 from the mean ({}) to {:.0f} expected", mean,
                                 mean * std::exp(kNormalQuantile99 * kNormalQuantile99 / 2)));
    return std::nullopt;
  }
  const double sigma = kNormalQuantile99 - std::sqrt(discriminant);
  const double mu = std::log(mean) - sigma * sigma / 2;
  return [mu, sigma](RandomStream& random) {
    boost::random::normal_distribution<double> normal(mu, sigma);
    const double length = std::round(std::exp(normal(random)));
    return static_cast<std::int64_t>(std::clamp(length, 1.0, static_cast<double>(kMaxTokens)));
  };
}

std::optional<DrawLength> read_uniform(const Value& value) {
  auto reader = map_like(value, "{min: 100, max: 2000}");
  if (!reader) return std::nullopt;
  const auto min_value = reader->required("min", "a number of tokens");
  const auto max_value = reader->required("max", "a number of tokens");
  reader->done();
  const auto min = min_value ? min_value->integer(1, kMaxTokens) : std::nullopt;
  const auto max = max_value ? max_value->integer(min.value_or(1), kMaxTokens) : std::nullopt;
  if (!min || !max) return std::nullopt;
  return [min, max](RandomStream& random) {
    return *min + static_cast<std::int64_t>(random.below(*max - *min + 1));
  };
}

// 1024, {lognormal: {mean, p99}} or {uniform: {min, max}}.
std::optional<DrawLength> read_length(const Value& value) {
  if (!value.is_map()) {
    const auto fixed = value.integer(1, kMaxTokens);
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

// Draws requests: input and output lengths from streams of their own.
class LengthSource {
 public:
  LengthSource(const std::optional<Value>& value, std::uint64_t seed)
      : input_random_(seed, "input lengths"), output_random_(seed, "output lengths") {
    auto reader = value ? map_like(*value, "{input: 1024, output: 256}") : std::nullopt;
    if (!reader) return;
    const auto input = reader->required("input", "a number of tokens or a distribution");
    const auto output = reader->required("output", "a number of tokens or a distribution");
    reader->done();
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
  Workload workload;

  LengthSource lengths() {
    return LengthSource(
        reader.required("lengths", "lengths such as {input: 1024, output: 256} expected"), seed);
  }

  void add_requests(std::int64_t count) {
    LengthSource source = lengths();
    for (std::int64_t i = 0; i < count; ++i) workload.requests.push_back(source.next(Seconds(0)));
  }

  void read_static(const Value& value) {
    workload.kind = ArrivalKind::kStatic;
    auto map = map_like(value, "{batch: 8}");
    if (!map) return add_requests(0);
    const auto batch_value = map->required("batch", "a number of requests");
    map->done();
    const auto batch = batch_value ? batch_value->integer(1, kMaxRequests) : std::nullopt;
    add_requests(batch.value_or(0));
    workload.description = fmt::format("static batch of {}", batch.value_or(0));
  }

  // closed_loop: 256, or {concurrency: 256, requests: 2560}; ten rounds unless said otherwise.
  void read_closed_loop(const Value& value) {
    workload.kind = ArrivalKind::kClosedLoop;
    std::int64_t count = 0;
    if (value.is_map()) {
      MapReader loop(value);
      const auto users = loop.required("concurrency", "a number of users");
      if (users) workload.concurrency = users->integer(1, kMaxRequests / 10).value_or(0);
      const auto requests = loop.optional("requests");
      count = requests ? requests->integer(1, kMaxRequests).value_or(0) : 10 * workload.concurrency;
      if (requests && count > 0 && count < workload.concurrency) {
        requests->fault(
            fmt::format("at least as many requests as users ({})", workload.concurrency));
      }
      loop.done();
    } else {
      workload.concurrency = value.integer(1, kMaxRequests / 10).value_or(0);
      count = 10 * workload.concurrency;
    }
    add_requests(count);
    workload.description =
        fmt::format("closed loop of {} users, {} requests", workload.concurrency, count);
  }

  void read_poisson(const Value& value) {
    const auto rate = quantity_up_to(value, Dimension::kRate, kMaxRate);
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

  // trace: FILE, or {file: FILE, limit: 1000}. Relative to the scenario's folder, else to the
  // current.
  void read_trace_file(const Value& value) {
    std::optional<std::string> name;
    std::int64_t limit = 0;
    if (value.is_map()) {
      MapReader trace(value);
      const auto file = trace.required("file", "a .csv or .jsonl trace");
      if (file) name = file->text();
      limit = trace.integer_or("limit", 0, 1, kMaxRequests);
      trace.done();
    } else {
      name = value.text();
    }
    if (!name) return;
    const std::string path = file_beside(value, *name);
    try {
      workload.requests = read_trace(path, limit);
    } catch (const InputError& e) {
      for (const Fault& fault : e.faults()) {
        const bool is_whole_file = fault.line == 0;
        is_whole_file ? value.fault(fault.allowed, path) : value.faults().add(fault);
      }
    }
    workload.description =
        fmt::format("trace {}, {} requests", std::filesystem::path(*name).filename().string(),
                    workload.requests.size());
  }

  void read_requests() {
    const auto requests = reader.required(
        "requests",
        "one of {trace: FILE}, {poisson: 8/s}, {closed_loop: 256}, {static: {batch: 8}}");
    if (!requests) return;
    reader.optional("lengths");  // Known, whatever is wrong with the requests.
    if (!requests->is_map()) {
      requests->fault(
          "one of {trace: FILE}, {poisson: 8/s}, {closed_loop: 256}, {static: {batch: 8}} "
          "expected");
      return;
    }
    MapReader kinds(*requests);
    const auto trace = kinds.optional("trace");
    const auto poisson = kinds.optional("poisson");
    const auto closed_loop = kinds.optional("closed_loop");
    const auto fixed = kinds.optional("static");
    kinds.done();
    const int given =
        trace.has_value() + poisson.has_value() + closed_loop.has_value() + fixed.has_value();
    if (given != 1) {
      requests->fault("exactly one of trace, poisson, closed_loop, static expected",
                      fmt::format("{} of them", given));
      return;
    }
    if (trace) read_trace_file(*trace);
    if (poisson) read_poisson(*poisson);
    if (closed_loop) read_closed_loop(*closed_loop);
    if (fixed) read_static(*fixed);
    if (trace && reader.has("lengths")) {
      reader.optional("lengths")->fault("a trace brings its own lengths; leave this out", "given");
    }
  }

  void read_limits() {
    if (const auto horizon = reader.optional("horizon")) {
      const auto seconds = quantity_up_to(*horizon, Dimension::kTime, kMaxHorizon);
      if (seconds) workload.horizon = Seconds(*seconds);
    }
    const auto slo = reader.optional("slo");
    auto limits = slo ? map_like(*slo, "{ttft_p99: 2 s, tpot_p99: 100 ms}") : std::nullopt;
    if (!limits) return;
    for (const auto& [key, limit] : {std::pair{"ttft_p99", &workload.slo.ttft_p99},
                                     std::pair{"tpot_p99", &workload.slo.tpot_p99}}) {
      if (const auto value = limits->optional(key)) {
        const auto seconds = quantity_up_to(*value, Dimension::kTime, kMaxHorizon);
        if (seconds) *limit = Seconds(*seconds);
      }
    }
    limits->done();
  }
};

}  // namespace

Workload read_workload(const Value& value, std::uint64_t seed) {
  WorkloadReader workload{MapReader(value), seed, {}};
  workload.read_limits();
  workload.read_requests();
  workload.reader.done();
  return workload.workload;
}

}  // namespace moesim
