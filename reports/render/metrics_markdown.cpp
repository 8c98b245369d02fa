#include "reports/render/metrics_markdown.h"

#include <fmt/format.h>

#include "reports/metrics/metric.h"
#include "reports/render/report_markdown.h"

namespace moesim {

std::string metrics_markdown() {
  std::string text = "# Metrics\n\nKeys of cases.csv, report.json and sweep.db.\n";
  for (const std::string& group : metric_groups()) {
    text += fmt::format("\n## {}\n\n| key | unit | meaning |\n| --- | --- | --- |\n",
                        markdown_text(group));
    for (const MetricRow& entry : metric_table()) {
      if (entry.group != group) continue;
      text += fmt::format("| `{}` | {} | {} |\n", entry.key, markdown_text(entry.unit),
                          markdown_text(entry.meaning));
    }
  }
  return text;
}

}  // namespace moesim
