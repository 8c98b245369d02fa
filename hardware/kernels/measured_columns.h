// The columns of a table of measured kernels, and which kinds of kernel need which.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "hardware/kernels/kernel.h"

namespace moesim {

enum class MeasuredColumn {
  kKind,
  kDtype,
  kWeightDtype,
  kCacheDtype,
  kM,
  kN,
  kK,
  kGroups,
  kBatch,
  kSeq,
  kPast,
  kKvLen,
  kHeads,
  kKvHeads,
  kHeadDim,
  kVHeadDim,
  kWindow,
  kBytes,
  kTime,
  kLaunch,
  kPower
};

// Kernel kinds as a set of bits.
using KindSet = unsigned;
constexpr KindSet only(KernelKind kind) {
  return 1u << static_cast<unsigned>(kind);
}

struct MeasuredColumnRule {
  MeasuredColumn column;
  std::string_view name;
  KindSet required;
  KindSet optional;  // For other kinds the cell must be empty.
};

inline constexpr KindSet kGemms = only(KernelKind::kGemm) | only(KernelKind::kGroupedGemm);
inline constexpr KindSet kPrefills = only(KernelKind::kPrefillAttention);
inline constexpr KindSet kDecodes = only(KernelKind::kDecodeAttention);
inline constexpr KindSet kAttentions = kPrefills | kDecodes;
inline constexpr KindSet kTraffic = only(KernelKind::kElementwise);
inline constexpr KindSet kAllKinds = kGemms | kAttentions | kTraffic;

inline constexpr std::array<MeasuredColumnRule, 21> kMeasuredColumns = {{
    {MeasuredColumn::kKind, "kind", kAllKinds, 0},
    {MeasuredColumn::kDtype, "dtype", kGemms | kAttentions, 0},
    {MeasuredColumn::kWeightDtype, "weight_dtype", 0, kGemms},
    {MeasuredColumn::kCacheDtype, "kv_dtype", 0, kAttentions},
    {MeasuredColumn::kM, "m", kGemms, 0},
    {MeasuredColumn::kN, "n", kGemms, 0},
    {MeasuredColumn::kK, "k", kGemms, 0},
    {MeasuredColumn::kGroups, "groups", only(KernelKind::kGroupedGemm), only(KernelKind::kGemm)},
    {MeasuredColumn::kBatch, "batch", kAttentions, 0},
    {MeasuredColumn::kSeq, "seq", kPrefills, 0},
    {MeasuredColumn::kPast, "past", 0, kPrefills},
    {MeasuredColumn::kKvLen, "kv_len", kDecodes, 0},
    {MeasuredColumn::kHeads, "heads", kAttentions, 0},
    {MeasuredColumn::kKvHeads, "kv_heads", kAttentions, 0},
    {MeasuredColumn::kHeadDim, "head_dim", kAttentions, 0},
    {MeasuredColumn::kVHeadDim, "v_head_dim", 0, kAttentions},
    {MeasuredColumn::kWindow, "window", 0, kPrefills},
    {MeasuredColumn::kBytes, "bytes", kTraffic, 0},
    {MeasuredColumn::kTime, "time_s", kAllKinds, 0},
    {MeasuredColumn::kLaunch, "launch_s", 0, kAllKinds},
    {MeasuredColumn::kPower, "power_w", 0, kAllKinds},
}};

}  // namespace moesim
