// Converts cells of a table to conditions of a simulation: formats, engines, layouts.
#pragma once

#include <string>

#include "scenarios/validate/plan/validation_plan.h"

namespace moesim {

// Thrown while a row is read, with the condition that is missing or not modelled; the row is
// skipped.
struct Skipped {
  std::string reason;
};

// Each reads one cell of a row. Throws: Skipped if it is empty ("tp not stated") or unknown.
std::int64_t stated(const TruthRow& row, std::string_view column);
double stated_number(const TruthRow& row, std::string_view column);
const ModelSpec& stated_model(const TruthRow& row, const Library& library);
const DeviceSpec& stated_hardware(const TruthRow& row, const Library& library);

// "vllm", "sglang" or "tensorrt-llm", from a cell with engine and release.
std::string engine_name(const std::string& cell);
// The engine with the release that the row states ("vllm 0.12.0"); else with the month of the
// measurement ("vllm 2025-04", from "V1 (2025-04)" or from "measured 2025-04-03" in the notes);
// else with `otherwise`, a release or month for all undated rows of the table.
std::string stated_engine(const TruthRow& row, const Library& library,
                          const std::string& otherwise);

// Formats of a deployment. Nothing stated: the checkpoint's own. 4-bit checkpoints of MoE models
// quantise the routed experts only; a cache is as wide as its engine's default makes it.
// Source: docs/physics.md, "Measured rows".
DtypePlan stated_dtypes(const std::string& weights, const std::string& kv, const ModelSpec& model);

// Watts from "500"; 0 from nothing. Throws: Skipped for "capped".
double stated_power_limit(const TruthRow& row);

}  // namespace moesim
