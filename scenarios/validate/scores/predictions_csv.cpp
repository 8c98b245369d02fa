#include "scenarios/validate/scores/predictions_csv.h"

#include <fmt/format.h>

namespace moesim {
namespace {

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
  std::string out = "\"";
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string predictions_csv(const ValidationPlan& plan) {
  std::string out = "id,metric,predicted,unit,status\n";
  for (const Measurement& m : plan.measurements()) {
    const bool predicted = m.skipped.empty();
    out += fmt::format("{},{},{},{},{}\n", quoted(m.id), quoted(m.metric),
                       predicted ? fmt::format("{:.9g}", m.predicted) : "", quoted(m.unit),
                       predicted ? "predicted" : quoted("skipped: " + m.skipped));
  }
  return out;
}

}  // namespace moesim
