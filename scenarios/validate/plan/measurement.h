// One published figure with its prediction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/validate/truth/truth_table.h"

namespace moesim {

enum class ScoreKind { kRelativeError, kRightOrWrong };

struct Measurement {
  Topic topic = Topic::kServing;
  std::string id;
  std::string metric;  // As in the table, or a wide column of an energy table.
  std::string unit;
  std::string kind;       // Rows are scored by kind: "offline_max", "gemm", ...
  double value = 0;       // Published.
  bool left_out = false;  // Not scored: marked as suspect, or of an older release.
  ScoreKind score = ScoreKind::kRelativeError;
  std::string series, model, hardware;
  std::optional<bool> is_moe;  // Absent if the row concerns no model.
  // Serving: the same for rows that differ only in layout (same model, hardware, format, engine,
  // traffic and load per GPU).
  std::string load;

  std::string skipped;  // The reason why there is no prediction; empty = there is one.
  double predicted = 0;
  std::vector<double> samples;  // Predictions of the Monte Carlo samples.
};

}  // namespace moesim
