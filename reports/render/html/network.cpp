// What the network did: shares of the steps, link classes, and what faster links would buy.
#include <fmt/format.h>

#include <algorithm>

#include "reports/metrics/communication_share.h"
#include "reports/render/html/html.h"
#include "reports/render/words/format.h"
#include "reports/render/words/network_words.h"

namespace moesim {
namespace {

std::string share_text(double share) {
  return html_text(readable(share, "share"));
}

std::string steps_row(const char* name, const CommunicationTimes& steps) {
  if (steps.total <= Seconds(0)) return "";
  std::string row = fmt::format("<tr><th scope=\"row\">{}</th>", name);
  row += fmt::format("<td data-value=\"{}\">{}</td>", exact_number(communication_share(steps)),
                     share_text(communication_share(steps)));
  for (const Phase phase : {Phase::kAllReduce, Phase::kDispatch, Phase::kCombine, Phase::kGather,
                            Phase::kScatter, Phase::kWeightMoves}) {
    const double share = steps.phases[static_cast<std::size_t>(phase)] / steps.total;
    row += share > 0 ? fmt::format("<td data-value=\"{}\">{}</td>", exact_number(share),
                                   share_text(share))
                     : "<td class=\"absent\">&ndash;</td>";
  }
  return row + "</tr>\n";
}

std::string steps_table(const std::string& title, const NetworkSummary& network) {
  const std::string head =
      "<table><thead><tr><td></td><th scope=\"col\">communication</th>"
      "<th scope=\"col\">all-reduce</th><th scope=\"col\">dispatch</th>"
      "<th scope=\"col\">combine</th><th scope=\"col\">all-gather</th>"
      "<th scope=\"col\">reduce-scatter</th><th scope=\"col\">expert weights</th></tr></thead>"
      "<tbody>\n";
  return scrolled("Communication in the steps of " + title,
                  head + steps_row("decode steps", network.decode_steps) +
                      steps_row("steps with prompts", network.prompt_steps) + "</tbody></table>");
}

std::optional<double> if_known(bool known, double value) {
  return known ? std::optional(value) : std::nullopt;
}

std::string link_row(const LinkUse& link, double tokens) {
  const bool per_token = tokens > 0, dispatches = !link.fullest.empty();
  const std::optional<double> gain = link.doubled_gain;
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td>", html_text(link.name), link.ports) +
         value_cell(link.bandwidth.value(), "B/s") +
         value_cell(if_known(link.sent_known && per_token, link.sent.value() / tokens), "B") +
         value_cell(if_known(per_token, link.energy.value() / tokens), "J") +
         value_cell(if_known(link.sent_known, link.busy_share), "share") +
         value_cell(if_known(dispatches, link.dispatch_busy_share), "share") +
         value_cell(if_known(dispatches, link.fullest_busy_share), "share") +
         fmt::format("<td class=\"words\">{}</td>", html_text(link.fullest)) +
         value_cell(if_known(gain.has_value(), std::max(0.0, gain.value_or(0))), "share") +
         "</tr>\n";
}

std::string links_table(const std::string& title, const NetworkSummary& network, double tokens) {
  std::string table =
      "<table><thead><tr><td></td><th scope=\"col\">ports</th><th scope=\"col\">each</th>"
      "<th scope=\"col\">bytes per token</th><th scope=\"col\">energy per token</th>"
      "<th scope=\"col\">busy</th><th scope=\"col\">busy in dispatch</th>"
      "<th scope=\"col\">fullest</th><th scope=\"col\">which</th>"
      "<th scope=\"col\">doubled: steps shorter by</th></tr></thead><tbody>\n";
  for (const LinkUse& link : network.links) table += link_row(link, tokens);
  return scrolled("Links of " + title, table + "</tbody></table>");
}

std::string network_of_case(const HtmlView& view, std::size_t index) {
  const CaseReport& report = view.report.cases[index];
  const std::string title = view.title(index);
  const std::string sentence = network_sentence(report.network);
  if (sentence.empty()) return "";
  const double tokens = metric(report, Metric::kOutputTokens).value_or(0);
  return fmt::format("<div class=\"map\"><h3>{}</h3><p class=\"note\">{}</p>{}{}</div>\n",
                     html_text(title), html_text(sentence), steps_table(title, report.network),
                     links_table(title, report.network, tokens));
}

}  // namespace

std::string network_section(const HtmlView& view) {
  std::string cases;
  for (const std::size_t i : view.shown) cases += network_of_case(view, i);
  if (cases.empty()) return "";
  return "<section><h2>Network</h2><p>Share of the steps that ranks spend in each kind of "
         "communication, and what each class of links carries. A port is busy by its bytes over "
         "its bandwidth, so that start-up times count as not busy. Energy: for scale-up links what "
         "the bytes add to the devices' power; NICs, switches and optics draw theirs all the time. "
         "Doubled: up to 16 steps of the run priced again with twice the bandwidth and the same "
         "latencies, without pipeline transfers and KV handovers; a tree above the NICs grows with "
         "them, and a faster spine buys nothing where the NICs set the pace.</p>\n" +
         cases + "</section>\n";
}

}  // namespace moesim
