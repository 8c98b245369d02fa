#include "reports/render/metrics_markdown.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/document.h"
#include "reports/metrics/metric.h"
#include "reports/render/report_markdown.h"

namespace moesim {
namespace {

TEST(MetricsMarkdown, HasEveryMetricOnceWithUnitAndMeaning) {
  const std::string text = metrics_markdown();
  for (const MetricRow& entry : metric_table()) {
    const std::string row = "\n| `" + entry.key + "` | " + markdown_text(entry.unit) + " | " +
                            markdown_text(entry.meaning) + " |\n";
    EXPECT_EQ(text.find(row), text.rfind(row)) << entry.key;
    EXPECT_NE(text.find(row), std::string::npos) << entry.key;
  }
  const auto pipes = std::count(text.begin(), text.end(), '|');
  EXPECT_EQ(pipes, 4 * (metric_table().size() + 2 * metric_groups().size()));
}

TEST(MetricsMarkdown, ThePageInDocsIsWhatIsPrinted) {
  EXPECT_EQ(read_file("docs/metrics.md"), metrics_markdown()) << "python3 docs/quotes.py --write";
}

}  // namespace
}  // namespace moesim
