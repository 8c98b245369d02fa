#include "sim/events/engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "tests/sim/in_child.h"

namespace moesim {
namespace {

// Ports of 100 GB/s inside a node: 1 MB takes 10 us.
ClusterSpec eight_devices() {
  ClusterSpec cluster;
  cluster.node.name = "test node";
  cluster.node.devices = 8;
  cluster.node.device.link_bandwidth = BytesPerSecond(100e9);
  cluster.node.device.link_domain = 8;
  cluster.nodes = 1;
  return cluster;
}

constexpr Bytes kMegabyte{1e6};
constexpr double kExact = 1e-12;  // Seconds.

struct Send {
  std::int64_t from, to;
  Bytes bytes = kMegabyte;
  Seconds latency{};
};

// Ends of transfers that all start at 0, in seconds, then the peak share of a port.
std::vector<double> ends_of(const std::vector<Send>& sends) {
  return in_child([&] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    std::vector<double> ends(sends.size());
    for (std::size_t i = 0; i < sends.size(); ++i) {
      const Send& send = sends[i];
      engine.transfer(send.from, send.to, send.bytes, send.latency,
                      [&, i] { ends[i] = engine.now().value(); });
    }
    engine.run();
    ends.push_back(engine.peak_port_share());
    return ends;
  });
}

TEST(EngineTransfer, AloneTakesBytesOverBandwidth) {
  const auto ends = ends_of({{0, 1}});
  ASSERT_EQ(ends.size(), 2);
  EXPECT_NEAR(ends[0], 10e-6, kExact);
  EXPECT_NEAR(ends[1], 1, 1e-9);
}

TEST(EngineTransfer, AddsItsLatency) {
  const auto ends = ends_of({{0, 1, kMegabyte, Seconds(3e-6)}});
  ASSERT_EQ(ends.size(), 2);
  EXPECT_NEAR(ends[0], 13e-6, kExact);
}

TEST(EngineTransfer, TwoThroughOnePortGetHalfEach) {
  const auto ends = ends_of({{0, 1}, {0, 2}});
  ASSERT_EQ(ends.size(), 3);
  EXPECT_NEAR(ends[0], 20e-6, kExact);
  EXPECT_NEAR(ends[1], 20e-6, kExact);
  EXPECT_NEAR(ends[2], 1, 1e-9);
}

TEST(EngineTransfer, UnequalLatencyDoesNotChangeTheShares) {
  // The second arrives after 4 us, when 0.6 MB of the first are left: both run at half speed.
  const auto ends = ends_of({{0, 1}, {0, 2, kMegabyte, Seconds(4e-6)}});
  ASSERT_EQ(ends.size(), 3);
  EXPECT_NEAR(ends[0], 16e-6, kExact);
  EXPECT_NEAR(ends[1], 20e-6, kExact);
}

TEST(EngineTransfer, FourIntoOnePortTakeFourTimesAsLong) {
  const auto ends = ends_of({{1, 0}, {2, 0}, {3, 0}, {4, 0}});
  ASSERT_EQ(ends.size(), 5);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(ends[i], 40e-6, kExact);
  EXPECT_NEAR(ends[4], 1, 1e-9);
}

TEST(EngineTransfer, OppositeDirectionsDoNotDisturbEachOther) {
  const auto ends = ends_of({{0, 1}, {1, 0}});
  ASSERT_EQ(ends.size(), 3);
  EXPECT_NEAR(ends[0], 10e-6, kExact);
  EXPECT_NEAR(ends[1], 10e-6, kExact);
}

TEST(EngineTransfer, TheShorterOneLeavesItsShareBehind) {
  // Together until 1 MB of each has passed (20 us), then the longer alone for its second MB.
  const auto ends = ends_of({{0, 1}, {0, 2, Bytes(2e6)}});
  ASSERT_EQ(ends.size(), 3);
  EXPECT_NEAR(ends[0], 20e-6, kExact);
  EXPECT_NEAR(ends[1], 30e-6, kExact);
}

TEST(EngineTransfer, ToItselfOrOfNothingCostsItsLatencyOnly) {
  const auto ends = ends_of({{3, 3, kMegabyte, Seconds(2e-6)}, {0, 1, Bytes(0), Seconds(5e-6)}});
  ASSERT_EQ(ends.size(), 3);
  EXPECT_EQ(ends[0], 2e-6);
  EXPECT_EQ(ends[1], 5e-6);
  EXPECT_EQ(ends[2], 0);
}

TEST(EngineTransfer, IsExactLateAndAcrossTheChangeOfPrecision) {
  const auto ends = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    std::vector<double> seen;
    const auto note = [&] { seen.push_back(engine.now().value()); };
    engine.transfer(0, 1, Bytes(100e9 * 20000), Seconds(0), note);  // 20,000 s long.
    for (const double start : {999.0, 5000.0, 15000.0}) {
      engine.at(Seconds(start), [&] { engine.transfer(2, 3, Bytes(100e9), Seconds(0), note); });
    }
    engine.run();
    return seen;
  });
  ASSERT_EQ(ends.size(), 4);
  EXPECT_NEAR(ends[0], 1000, 1e-8);
  EXPECT_NEAR(ends[1], 5001, 1e-8);
  EXPECT_NEAR(ends[2], 15001, 1e-8);
  EXPECT_NEAR(ends[3], 20000, 1e-8);
}

TEST(EngineTransfer, NoneIsLostVeryLate) {
  const auto seen = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    int done = 0;
    std::function<void()> next = [&] {
      if (++done < 2000) engine.transfer(0, 1, Bytes(12345), Seconds(1e-7), next);
    };
    engine.at(Seconds(3e6), next);
    engine.run();
    return std::vector<double>{static_cast<double>(done)};
  });
  ASSERT_EQ(seen.size(), 1);
  EXPECT_EQ(seen[0], 2000);
}

TEST(EngineClock, RunsActionsInOrderOfTheirDates) {
  const auto seen = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    std::vector<double> order;
    for (const double date : {3.0, 1.0, 2.0}) {
      engine.at(Seconds(date), [&, date] {
        EXPECT_EQ(engine.now().value(), date);
        order.push_back(date);
      });
    }
    engine.run();
    return order;
  });
  EXPECT_EQ(seen, (std::vector<double>{1, 2, 3}));
}

TEST(EngineClock, RunsEqualDatesInOrderOfTheCalls) {
  const auto seen = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    std::vector<double> order;
    for (int i = 0; i < 100; ++i) {
      engine.at(Seconds(1), [&, i] {
        order.push_back(i);
        engine.after(Seconds(0), [&, i] { order.push_back(100 + i); });
      });
    }
    engine.run();
    return order;
  });
  ASSERT_EQ(seen.size(), 200);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(seen[i], i);
}

TEST(EngineClock, DoesNotDriftOverShortDelaysLateInARun) {
  const auto ends = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    int left = 100000;
    std::function<void()> next = [&] {
      if (left-- > 0) engine.after(Seconds(1e-6), next);
    };
    engine.at(Seconds(1e5), next);
    engine.run();
    return std::vector<double>{engine.now().value()};
  });
  ASSERT_EQ(ends.size(), 1);
  EXPECT_NEAR(ends[0] - 1e5, 0.1, 3e-11);  // Plain sums of doubles end 7e-7 s away.
}

TEST(EngineClock, GoesOnInASecondRun) {
  const auto seen = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    std::vector<double> dates;
    engine.transfer(0, 1, kMegabyte, Seconds(0), [&] { dates.push_back(engine.now().value()); });
    engine.run();
    engine.after(Seconds(1), [&] { dates.push_back(engine.now().value()); });
    engine.run();
    return dates;
  });
  ASSERT_EQ(seen.size(), 2);
  EXPECT_NEAR(seen[0], 10e-6, kExact);
  EXPECT_NEAR(seen[1], 1 + 10e-6, kExact);
}

TEST(EngineClock, StopEndsTheRunAndDropsTheRest) {
  const auto seen = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    bool late = false;
    engine.transfer(0, 1, Bytes(1e9), Seconds(0), [&] { late = true; });
    engine.at(Seconds(2e-6), [&] { late = true; });
    engine.at(Seconds(1e-6), [&] { engine.stop(); });
    engine.run();
    return std::vector<double>{engine.now().value(), late ? 1.0 : 0.0};
  });
  EXPECT_EQ(seen, (std::vector<double>{1e-6, 0}));
}

TEST(EngineErrors, AnActionsExceptionComesOutOfRun) {
  const auto seen = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    bool later = false;
    engine.at(Seconds(1), [] { throw std::runtime_error("from an action"); });
    engine.transfer(0, 1, Bytes(500e9), Seconds(0), [&] { later = true; });
    try {
      engine.run();
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "from an action");
      return std::vector<double>{engine.now().value(), later ? 1.0 : 0.0};
    }
    return std::vector<double>{};
  });
  EXPECT_EQ(seen, (std::vector<double>{1, 0}));
}

TEST(EngineErrors, RefusesASecondEngineInOneProcess) {
  in_child([] {
    const Topology topology(eight_devices());
    { const Engine first(topology); }
    EXPECT_THROW(Engine second(topology), std::logic_error);
    return std::vector<double>{};
  });
}

TEST(EngineErrors, RefusesThePastAndNoDate) {
  in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    engine.at(Seconds(1), [&] {
      EXPECT_THROW(engine.at(Seconds(0.5), [] {}), std::logic_error);
      EXPECT_THROW(engine.after(Seconds(-1e-9), [] {}), std::logic_error);
      EXPECT_THROW(engine.after(Seconds(0.0 / 0.0), [] {}), std::logic_error);
      EXPECT_THROW(engine.transfer(0, 8, kMegabyte, Seconds(0), [] {}), std::logic_error);
    });
    engine.run();
    return std::vector<double>{};
  });
}

// A busy mixture of delays and transfers whose every date depends on the earlier ones.
std::vector<double> busy_dates() {
  const Topology topology(eight_devices());
  Engine engine(topology);
  std::vector<double> dates;
  std::int64_t left = 2000;
  std::function<void(std::int64_t)> next = [&](std::int64_t i) {
    dates.push_back(engine.now().value());
    if (left-- <= 0) return;
    const std::int64_t to = (i + 1 + left % 7) % 8;
    const Bytes bytes(1e5 + 1e3 * static_cast<double>(left % 97));
    engine.transfer(i, to, bytes, Seconds(1e-7 * static_cast<double>(left % 5)),
                    [&, to] { engine.after(Seconds(1e-6 / 3), [&, to] { next(to); }); });
  };
  for (std::int64_t i = 0; i < 8; ++i) engine.after(Seconds(0), [&, i] { next(i); });
  engine.run();
  return dates;
}

TEST(EngineClock, GivesTheSameBitsTwice) {
  const auto first = in_child(busy_dates);
  EXPECT_EQ(first.size(), 2008);
  EXPECT_EQ(first, in_child(busy_dates));
}

TEST(EngineCost, OfAnEventAndATransferIsPrinted) {
  const auto seen = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    const auto microseconds_each = [&](int count, const std::function<void()>& step, int& left) {
      left = count;
      const auto begin = std::chrono::steady_clock::now();
      engine.after(Seconds(0), step);
      engine.run();
      const std::chrono::duration<double, std::micro> spent =
          std::chrono::steady_clock::now() - begin;
      return spent.count() / count;
    };
    int left = 0;
    std::function<void()> wait = [&] {
      if (--left > 0) engine.after(Seconds(1e-6), wait);
    };
    std::function<void()> send = [&] {
      if (--left > 0) engine.transfer(0, 1, kMegabyte, Seconds(1e-6), send);
    };
    const double event = microseconds_each(100000, wait, left);
    const double transfer = microseconds_each(10000, send, left);
    return std::vector<double>{event, transfer};
  });
  ASSERT_EQ(seen.size(), 2);
  std::printf("event %.2f us, transfer %.2f us\n", seen[0], seen[1]);
}

// 10 MB take 100 us. The sender's port is at half its speed, or down for 5 ms; the flow starts
// before that, in the middle of it, or after.
TEST(EngineTransfer, TransfersGoAsFastAsTheirPortsDoNow) {
  const auto end = [](double speed, double from, double until, double start) {
    return in_child([&] {
      const Topology topology(eight_devices());
      Engine engine(topology);
      const std::int32_t port = topology.route(0, 1).front();
      engine.at(Seconds(from), [&] { engine.set_port_speed(port, speed); });
      engine.at(Seconds(until), [&] { engine.set_port_speed(port, 1); });
      double date = 0;
      engine.at(Seconds(start), [&] {
        engine.transfer(0, 1, 10.0 * kMegabyte, Seconds(0), [&] { date = engine.now().value(); });
      });
      engine.run();
      EXPECT_LE(engine.peak_port_share(), 1 + 1e-9);
      return std::vector{date};
    })[0];
  };
  EXPECT_NEAR(end(0.5, 0, 1, 0.1), 0.1002, 1e-9);
  EXPECT_NEAR(end(0.5, 0.10005, 1, 0.1), 0.10015, 1e-9);
  EXPECT_NEAR(end(0.5, 0, 0.1001, 0.1), 0.10015, 1e-9);
  EXPECT_NEAR(end(0, 0.10005, 0.10505, 0.1), 0.1051, 1e-8);
  EXPECT_NEAR(end(0, 0.099, 0.105, 0.1), 0.1051, 1e-8);
  EXPECT_NEAR(end(0, 0.05, 0.06, 0.1), 0.1001, 1e-9);
}

TEST(EngineTransfer, AStopDoesNotWaitForAPortThatIsDown) {
  const auto got = in_child([] {
    const Topology topology(eight_devices());
    Engine engine(topology);
    engine.set_port_speed(topology.route(0, 1).front(), 0);
    engine.transfer(0, 1, kMegabyte, Seconds(0), [] { ADD_FAILURE() << "arrived"; });
    engine.at(Seconds(1), [&] { engine.stop(); });
    engine.run();
    return std::vector{engine.now().value()};
  });
  EXPECT_EQ(got, std::vector<double>{1});
}

}  // namespace
}  // namespace moesim
