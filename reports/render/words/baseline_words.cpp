#include "reports/render/words/baseline_words.h"

#include <fmt/format.h>

#include "reports/analysis/baselines.h"
#include "reports/render/words/format.h"

namespace moesim {

std::string imbalance_sentence(const CaseReport& report) {
  std::string list;
  for (const ImbalanceEffect& effect : imbalance_effects(report)) {
    list += fmt::format("{}{} {:+.1f} %", list.empty() ? "" : ", ", metric_row(effect.metric).label,
                        100 * effect.change);
  }
  if (list.empty()) return "";
  return fmt::format("What imbalance costs {}, against balanced routing: {}.",
                     printable(report.name), list);
}

}  // namespace moesim
