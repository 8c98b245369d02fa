#include "reports/render/html/report_html.h"

#include "reports/render/html/html.h"

namespace moesim {

std::string report_html(const Report& report) {
  const HtmlView view = html_view(report);
  const std::string sections = verdict_section(view) + sweep_section(view) + glance_section(view) +
                               answers_section(view) + chart_section(view) + network_section(view) +
                               routing_section(view) + uncertainty_section(view) +
                               numbers_section(view) + provenance_section(view);
  const std::string headline = report.question.empty() ? report.scenario : report.question;
  return filled_page(view, report.scenario, headline, report.seed, sections);
}

}  // namespace moesim
