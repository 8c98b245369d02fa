#include "models/router/draw/dispatch.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace moesim {
namespace {

// Message sizes in DeepEP's sources (docs/physics.md, "Payloads"): H, k, normal FP8 and BF16, low
// latency FP8 and BF16, combine BF16 and LogFMT-10.
struct Row {
  std::int64_t width, top_k;
  double normal_fp8, normal_bf16, low_fp8, low_bf16, combine, packed;
};
constexpr Row kTable[] = {{7168, 8, 7472, 14416, 7408, 14352, 14336, 9184},
                          {5120, 6, 5344, 10304, 5296, 10256, 10240, 6560},
                          {4096, 8, 4304, 8272, 4240, 8208, 8192, 5248},
                          {2048, 8, 2192, 4176, 2128, 4112, 4096, 2624}};

TEST(Payload, ReproducesThePublishedTable) {
  for (const Row& row : kTable) {
    const auto out = [&](Dtype dtype, DispatchMode mode) {
      return dispatch_payload(row.width, row.top_k, dtype, mode).value();
    };
    EXPECT_EQ(out(Dtype::kFp8, DispatchMode::kNormal), row.normal_fp8) << row.width;
    EXPECT_EQ(out(Dtype::kBf16, DispatchMode::kNormal), row.normal_bf16) << row.width;
    EXPECT_EQ(out(Dtype::kFp8, DispatchMode::kLowLatency), row.low_fp8) << row.width;
    EXPECT_EQ(out(Dtype::kBf16, DispatchMode::kLowLatency), row.low_bf16) << row.width;
    EXPECT_EQ(combine_payload(row.width, CombineFormat::kBf16, DispatchMode::kLowLatency).value(),
              row.combine);
    EXPECT_EQ(
        combine_payload(row.width, CombineFormat::kLogFmt10, DispatchMode::kLowLatency).value(),
        row.packed);
  }
}

// The library carries values only; one copy of 7,168 in bf16 is 14,336 bytes, in fp8 half of it.
TEST(Payload, CollectivesCarryNoMetadata) {
  for (const DispatchMode mode : {DispatchMode::kAllGather, DispatchMode::kAllToAll}) {
    EXPECT_EQ(dispatch_payload(7168, 8, Dtype::kBf16, mode), Bytes(14336));
    EXPECT_EQ(dispatch_payload(7168, 8, Dtype::kFp8, mode), Bytes(7168));
  }
}

TEST(Payload, OnlyLowLatencyPacksItsResults) {
  for (const DispatchMode mode :
       {DispatchMode::kNormal, DispatchMode::kAllGather, DispatchMode::kAllToAll}) {
    EXPECT_EQ(combine_payload(7168, CombineFormat::kLogFmt10, mode), Bytes(14336));
  }
}

using Copies = std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t>;

// Copies that one token of `source` with pairs on these ranks causes.
Copies copies(const DispatchGeometry& geometry, std::int64_t source,
              const std::vector<std::int64_t>& ranks) {
  Destinations destinations(geometry);
  destinations.add_token();
  for (const std::int64_t rank : ranks) destinations.add_pair(rank);
  Copies found;
  destinations.for_each_copy(source, [&](std::int64_t from, std::int64_t to, std::int64_t count) {
    found[{from, to}] += count;
  });
  return found;
}

// Two nodes of four. Rank 1 reaches ranks 6 and 7 of the other node through rank 5, which has its
// index there, and rank 0 itself; two pairs on rank 6 are one copy.
TEST(Destinations, NormalModeSendsOneCopyPerNodeAndForwardsIt) {
  const DispatchGeometry geometry{8, 4, true, DispatchMode::kNormal};
  EXPECT_EQ(copies(geometry, 1, {6, 6, 7, 0, 1}),
            (Copies{{{1, 5}, 1}, {{5, 6}, 1}, {{5, 7}, 1}, {{1, 0}, 1}}));
  EXPECT_EQ(copies(geometry, 1, {5}), (Copies{{{1, 5}, 1}}));
}

TEST(Destinations, LowLatencySendsEveryPairByItself) {
  for (const DispatchMode mode : {DispatchMode::kLowLatency, DispatchMode::kAllToAll}) {
    EXPECT_EQ(copies({8, 4, true, mode}, 1, {6, 6, 7, 0, 1}),
              (Copies{{{1, 6}, 2}, {{1, 7}, 1}, {{1, 0}, 1}}));
  }
}

TEST(Destinations, AllGatherReachesEveryOtherRank) {
  EXPECT_EQ(copies({4, 2, true, DispatchMode::kAllGather}, 1, {3, 3}),
            (Copies{{{1, 0}, 1}, {{1, 2}, 1}, {{1, 3}, 1}}));
}

TEST(Destinations, WhatWasClearedIsForgotten) {
  for (const DispatchMode mode :
       {DispatchMode::kNormal, DispatchMode::kLowLatency, DispatchMode::kAllGather}) {
    Destinations destinations({4, 2, true, mode});
    destinations.add_token();
    destinations.add_pair(3);
    destinations.clear();
    destinations.for_each_copy(0, [](std::int64_t, std::int64_t, std::int64_t) { FAIL(); });
  }
}

// Expert 0 on groups 0, 1, 5 and 6 of two nodes of four.
TEST(NearestSlot, OwnRankThenOwnNodeThenAnywhere) {
  const LayerPlacement near_all = placement_of_slots({0, 0, 1, 2, 3, 0, 0, 4}, 5, 8);
  const DispatchGeometry geometry{8, 4, true, DispatchMode::kNormal, ReplicaChoice::kStatic};
  const auto rank = [&](std::int64_t source) {
    return nearest_slot(near_all, geometry, source, 0);
  };
  EXPECT_EQ(rank(0), 0);
  EXPECT_EQ(rank(1), 1);
  EXPECT_EQ(rank(2), 0);  // Third of its node, among two: the first.
  EXPECT_EQ(rank(3), 1);
  EXPECT_EQ(rank(4), 5);
  EXPECT_EQ(rank(6), 6);
  EXPECT_EQ(rank(7), 6);
  const LayerPlacement one_side = placement_of_slots({0, 0, 1, 2, 3, 4, 5, 6}, 7, 8);
  EXPECT_EQ(nearest_slot(one_side, geometry, 4, 0), 0);
  EXPECT_EQ(nearest_slot(one_side, geometry, 5, 0), 1);
  EXPECT_EQ(nearest_slot(one_side, geometry, 5, 3), 4);  // One copy: no choice.
}

}  // namespace
}  // namespace moesim
