#include "sim/events/engine.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/events/engine_platform.h"

namespace moesim {

namespace {

using Action = std::function<void()>;
using simgrid::kernel::timer::Timer;

// SimGrid merges ends of flows that are closer than its precision, and loses a flow whose end it
// cannot represent within the precision. A double represents a date of 8192 s to 2e-12 s, so 1e-12
// s is fine enough below kCoarseFrom, and 1 ns is used from there on.
constexpr double kCoarseFrom = 1000;
constexpr const char* kFinePrecision = "surf/precision:1e-12";
constexpr const char* kCoarsePrecision = "surf/precision:1e-9";

// A date as the sum of two doubles: `value` is what users see, `rest` is the rounding error. So a
// chain of many short delays does not drift, however late it runs.
struct Date {
  double value = 0;
  double rest = 0;
};

// Knuth's exact two-sum: value + rest = a + b, plus the rest that `date` carried.
Date operator+(Date date, double delay) {
  const double sum = date.value + delay;
  const double part = sum - date.value;
  const double lost = (date.value - (sum - part)) + (delay - part);
  const double rest = date.rest + lost;
  const double value = sum + rest;
  return {value, rest - (value - sum)};
}

struct Event {
  Date date;
  std::uint64_t number = 0;  // Order of the calls, which decides between equal dates.
  std::size_t slot = 0;      // Of its action, which lies outside the heap to keep events small.
};

struct Later {
  bool operator()(const Event& a, const Event& b) const {
    return a.date.value != b.date.value ? a.date.value > b.date.value : a.number > b.number;
  }
};

struct Flow {
  simgrid::s4u::CommPtr comm;
  std::int64_t from = 0;
  std::int64_t to = 0;
  Action action;
};

// SimGrid keeps state in the process even after its engine has ended.
void claim_process() {
  static bool claimed = false;
  if (std::exchange(claimed, true)) {
    throw std::logic_error("a process can run one Engine only; fork one per simulation");
  }
}

// SimGrid's engine with our options. It parses a command line, so it gets a fixed one.
class SimgridEngine {
 public:
  SimgridEngine() : engine_(&count_, arguments_) {
    using simgrid::s4u::Engine;
    // Plain max-min sharing of the links: no TCP window, no acknowledgements, no latency weights.
    for (const char* option :
         {"network/model:CM02", "network/crosstraffic:0", "network/TCP-gamma:1e30",
          "network/loopback-bw:1e15", kFinePrecision}) {
      Engine::set_config(option);
    }
  }
  void run() { engine_.run(); }

 private:
  std::string name_ = "moesim";
  std::string quiet_ = "--log=root.thres:critical";
  char* arguments_[3] = {name_.data(), quiet_.data(), nullptr};
  int count_ = 2;
  simgrid::s4u::Engine engine_;
};

}  // namespace

// Events wait in a heap of our own, because SimGrid's timers do not keep the order of equal dates.
// One timer is armed at a time, at the date of the first event.
struct Engine::Impl {
  explicit Impl(const Topology& cluster) : topology(cluster), platform(cluster) {
    events.reserve(1024);
    simgrid::s4u::Activity::on_completion_cb(
        [this](const simgrid::s4u::Activity& activity) { end_flow(activity); });
    simgrid::s4u::Engine::on_time_advance_cb([this](double step) { watch_ports(step); });
  }

  void push(Date date, Action action) {
    if (stopped) return;
    if (!std::isfinite(date.value) || date.value < now.value) {
      throw std::logic_error("an event lies before now or at no finite date");
    }
    std::size_t slot = actions.size();
    if (free_slots.empty()) {
      actions.push_back(std::move(action));
    } else {
      slot = free_slots.back();
      free_slots.pop_back();
      actions[slot] = std::move(action);
    }
    events.push_back({date, next_number++, slot});
    std::push_heap(events.begin(), events.end(), Later{});
    if (!pumping) arm();
  }

  // Removes the first event, moves the clock to it and returns its action.
  Action pop() {
    std::pop_heap(events.begin(), events.end(), Later{});
    const Event event = events.back();
    events.pop_back();
    now = event.date;
    free_slots.push_back(event.slot);
    return std::exchange(actions[event.slot], nullptr);
  }

  // Date of SimGrid's next stop: the first event, or kCoarseFrom if flows may run past it.
  std::optional<double> next_stop() const {
    std::optional<double> date;
    if (!events.empty()) date = events.front().date.value;
    if (!flows.empty() && !coarse) date = std::min(date.value_or(kCoarseFrom), kCoarseFrom);
    return date;
  }

  void arm() {
    const std::optional<double> date = next_stop();
    if (timer != nullptr && date == armed) return;
    if (timer != nullptr) timer->remove();
    timer = nullptr;
    if (!date) return;
    armed = *date;
    timer = Timer::set(std::max(armed, simgrid::s4u::Engine::get_clock()), [this] { pump(); });
  }

  // Runs every event that is due at SimGrid's clock. An exception stops the simulation and is
  // rethrown after SimGrid's loop has ended.
  void pump() {
    timer = nullptr;
    ended.clear();
    pumping = true;
    const double clock = simgrid::s4u::Engine::get_clock();
    if (!coarse && clock >= kCoarseFrom) {
      simgrid::s4u::Engine::set_config(kCoarsePrecision);
      coarse = true;
    }
    try {
      while (!events.empty() && events.front().date.value <= clock) {
        const Action action = pop();
        action();
      }
    } catch (...) {
      failure = std::current_exception();
      stop();
    }
    pumping = false;
    arm();
  }

  void start_flow(std::int64_t from, std::int64_t to, double bytes, Action action) {
    simgrid::s4u::CommPtr comm = platform.start_flow(from, to, bytes);
    const simgrid::s4u::Activity* key = comm.get();
    flows.emplace(key, Flow{std::move(comm), from, to, std::move(action)});
    flows_changed = true;
  }

  // SimGrid calls this while it still uses the flow, so the flow is kept until the next pump.
  void end_flow(const simgrid::s4u::Activity& activity) {
    const auto found = flows.find(&activity);
    if (found == flows.end()) return;
    Flow flow = std::move(found->second);
    flows.erase(found);
    platform.end_flow(flow.from, flow.to);
    flows_changed = true;
    ended.push_back(std::move(flow.comm));
    const double clock = std::max(now.value, simgrid::s4u::Engine::get_clock());
    push({clock, 0}, std::move(flow.action));
  }

  // SimGrid calls this at the end of a step, before it removes the flows that ended in it.
  void watch_ports(double step) {
    if (!flows_changed || step <= 0) return;
    flows_changed = false;
    peak_share = std::max(peak_share, platform.port_share());
  }

  // Flows run to their ends and are ignored: SimGrid 3.32 crashes if its main loop cancels one.
  void stop() {
    stopped = true;
    events.clear();
    actions.clear();
    free_slots.clear();
    platform.restore_ports();  // Else flows through a port that is down would never end.
  }

  const Topology& topology;
  SimgridEngine simgrid;
  EnginePlatform platform;
  Date now;
  std::vector<Event> events;    // A heap with the first event in front.
  std::vector<Action> actions;  // [slot]
  std::vector<std::size_t> free_slots;
  std::uint64_t next_number = 0;
  std::unordered_map<const simgrid::s4u::Activity*, Flow> flows;  // Never iterated into results.
  std::vector<simgrid::s4u::CommPtr> ended;
  Timer* timer = nullptr;  // Owned by SimGrid until it fires.
  double armed = 0;
  bool pumping = false;
  bool stopped = false;
  bool coarse = false;
  bool flows_changed = false;
  double peak_share = 0;
  std::exception_ptr failure;
};

Engine::Engine(const Topology& topology) {
  claim_process();
  impl_ = std::make_unique<Impl>(topology);
}

Engine::~Engine() = default;

Seconds Engine::now() const {
  return Seconds(impl_->now.value);
}

void Engine::at(Seconds date, Action action) {
  impl_->push({date.value(), 0}, std::move(action));
}

void Engine::after(Seconds delay, Action action) {
  impl_->push(impl_->now + delay.value(), std::move(action));
}

void Engine::transfer(std::int64_t from, std::int64_t to, Bytes bytes, Seconds latency,
                      Action action) {
  const std::int64_t devices = impl_->topology.num_devices();
  if (from < 0 || from >= devices || to < 0 || to >= devices) {
    throw std::logic_error("a transfer names a device that the topology does not have");
  }
  if (!(bytes.value() >= 0) || !std::isfinite(bytes.value())) {
    throw std::logic_error("a transfer needs a finite number of bytes");
  }
  if (from == to || bytes.value() == 0) return after(latency, std::move(action));
  after(latency, [this, from, to, bytes, action = std::move(action)]() mutable {
    impl_->start_flow(from, to, bytes.value(), std::move(action));
  });
}

void Engine::set_port_speed(std::int32_t port, double share) {
  const auto ports = static_cast<std::int64_t>(impl_->topology.ports().size());
  if (port < 0 || port >= ports || !(share >= 0) || share > 1) {
    throw std::logic_error("a port that the topology has at a share of 0 to 1 expected");
  }
  if (impl_->stopped) return;
  impl_->platform.set_port_speed(port, share);
  impl_->flows_changed = true;
}

const Topology& Engine::topology() const {
  return impl_->topology;
}

void Engine::run() {
  impl_->simgrid.run();
  if (impl_->failure) std::rethrow_exception(std::exchange(impl_->failure, nullptr));
}

void Engine::stop() {
  impl_->stop();
}

double Engine::peak_port_share() const {
  return impl_->peak_share;
}

}  // namespace moesim
