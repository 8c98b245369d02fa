#include "reports/render/assets.h"
#include "reports/render/html/html.h"

namespace moesim {

std::string report_html(const Report& report) {
  const HtmlView view = html_view(report);
  const std::string sections = verdict_section(view) + sweep_section(view) + glance_section(view) +
                               answers_section(view) + chart_section(view) + network_section(view) +
                               routing_section(view) + doubt_section(view) + numbers_section(view) +
                               provenance_section(view);
  const std::string headline = report.question.empty() ? report.scenario : report.question;
  return fill_slots(assets::report_page(), {{"scenario", html_text(report.scenario)},
                                            {"question", html_text(headline)},
                                            {"version", html_text(program_version())},
                                            {"seed", std::to_string(report.seed)},
                                            {"style", std::string(assets::report_style())},
                                            {"sections", sections},
                                            {"data", script_json(chart_data(view))},
                                            {"library", std::string(assets::chart_library())},
                                            {"script", std::string(assets::report_script())}});
}

}  // namespace moesim
