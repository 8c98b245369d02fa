#include "reports/render/html/routing_card_html.h"

#include <fmt/format.h>

#include "reports/render/html/heat_map.h"
#include "reports/render/html/html.h"
#include "reports/render/words/format.h"

namespace moesim {
namespace {

std::string share_cell(const char* key, double value) {
  return fmt::format("<td data-stat=\"{}\" data-value=\"{}\">{:.1f} %</td>", key,
                     exact_number(value), 100 * value);
}

std::string head(const std::vector<const char*>& titles) {
  std::string row = "<thead><tr>";
  for (const char* title : titles) row += fmt::format("<th scope=\"col\">{}</th>", title);
  return row + "</tr></thead><tbody>\n";
}

std::string overview(const RoutingCard& card) {
  const RoutingBank& bank = card.bank;
  double hottest = 0, gain = 0;
  for (std::size_t layer = 0; layer < card.loads.size(); ++layer) {
    hottest += card.loads[layer].max_over_mean / static_cast<double>(card.loads.size());
    gain += card.coactivation[layer] / static_cast<double>(card.loads.size());
  }
  const std::string spread =
      card.spread ? fmt::format(" On {} ranks the fullest holds {:.2f} times the mean.",
                                card.spread->ranks, card.spread->mean_overload)
                  : "";
  return fmt::format(
      "<section class=\"verdict\" aria-labelledby=\"verdict\"><h2 id=\"verdict\">Routing</h2>"
      "<p>{} tokens through {} MoE layers of {} experts, top-{}. The fullest expert gets {:.2f} "
      "times the mean, pairs of experts come together {:.2f} times as often as independent choices "
      "would (means over layers).{}</p><p class=\"note\">{} {}.</p></section>\n",
      readable_number(static_cast<double>(bank.num_tokens())), bank.num_layers, bank.num_experts,
      bank.top_k, hottest, gain, spread, basis_badge(card.basis), html_text(bank.provenance));
}

std::string load_section(const RoutingCard& card) {
  const std::string note = load_map_note(card.load);
  return "<section><h2>Expert load</h2><p>Tokens of every expert over the mean expert, layer by "
         "layer: 1 is balanced, 2 is twice the mean. " +
         html_text(note) + "</p>" + load_legend() + scrolled("Expert load", load_map(card.load)) +
         "</section>\n";
}

std::string layer_section(const RoutingCard& card) {
  std::string table =
      "<table class=\"layers\">" +
      head({"layer", "max/mean", "Gini", "spread", "entropy", "unused", "same first", "any shared",
            "overlap", "co-activation", card.spread ? "overload" : ""});
  for (std::size_t i = 0; i < card.loads.size(); ++i) {
    const LoadStatistics& load = card.loads[i];
    const RepeatRates& repeats = card.repeats[i];
    table += fmt::format("<tr data-layer=\"{}\"><th scope=\"row\">{}</th>", i, i) +
             number_cell("load_max_over_mean", load.max_over_mean, 2) +
             number_cell("load_gini", load.gini, 3) + number_cell("load_cv", load.cv, 3) +
             number_cell("load_entropy", load.entropy, 4) +
             share_cell("unused_experts_share", load.unused_share) +
             share_cell("repeat_first_share", repeats.first) +
             share_cell("repeat_any_share", repeats.any) +
             share_cell("repeat_overlap_share", repeats.overlap) +
             number_cell("coactivation_gain", card.coactivation[i], 2) +
             (card.spread ? number_cell("ep_overload", card.spread->overload[i], 3) : "<td></td>") +
             "</tr>\n";
  }
  return "<section><h2>Layer by layer</h2><p>Load: fullest expert over the mean, Gini coefficient, "
         "standard deviation over mean, entropy over that of equal loads, experts without a token. "
         "Repeats: how much of a token's choice the next token of its sequence makes again. "
         "Co-activation: how much more often than by independent choices the closest pairs are "
         "chosen together.</p>" +
         scrolled("Statistics of every layer", table + "</tbody></table>") + "</section>\n";
}

std::string cost_table(const ExpertSpread& spread) {
  std::string table =
      "<table>" + head({"dispatch", "copies inside nodes", "between nodes", "dispatch", "combine"});
  for (const DispatchCost& cost : spread.costs)
    table += fmt::format("<tr data-mode=\"{0}\"><th scope=\"row\">{0}</th>", html_text(cost.mode)) +
             number_cell("copies_inside_nodes", cost.copies_inside_nodes, 2) +
             number_cell("copies_between_nodes", cost.copies_between_nodes, 2) +
             fmt::format("<td>{}</td><td>{}</td></tr>\n",
                         html_text(readable(cost.dispatch.value(), "B")),
                         html_text(readable(cost.combine.value(), "B")));
  return scrolled("Dispatch by mode", table + "</tbody></table>");
}

std::string spread_section(const RoutingCard& card) {
  if (!card.spread) return "";
  const ExpertSpread& spread = *card.spread;
  return fmt::format(
      "<section><h2>Experts on {} ranks</h2><div class=\"map\"><h3>Load of every rank</h3>"
      "<p class=\"note\">Token-expert pairs over the mean rank, layer by layer. {}</p>{}</div>"
      "<div class=\"map\"><h3>Dispatch between ranks</h3><p class=\"note\">All MoE layers, normal "
      "mode. {}</p>{}</div><div class=\"map\"><h3>Copies of a token</h3><p class=\"note\">Means "
      "per "
      "token and MoE layer.</p>{}</div></section>\n",
      spread.ranks, html_text(load_map_note(spread.group_load)),
      scrolled("Load of every rank", load_map(spread.group_load)),
      html_text(traffic_map_note(spread.dispatch_bytes)),
      scrolled("Dispatch between ranks", traffic_map(spread.dispatch_bytes)), cost_table(spread));
}

std::string training_section(const HtmlView& view) {
  const std::string figures = line_figures(view, LineGroup::kTraining);
  if (figures.empty()) return "";
  return "<section><h2>Training</h2><div class=\"charts\">\n" + figures + "</div></section>\n";
}

}  // namespace

std::string routing_card_html(const RoutingCard& card) {
  Report report;  // Of the training curves alone.
  report.cases.resize(1);
  report.cases[0].name = card.model.name;
  report.cases[0].routing.training = card.bank.training;
  const HtmlView view = html_view(report);
  const std::string sections = overview(card) + load_section(card) + training_section(view) +
                               layer_section(card) + spread_section(card);
  return filled_page(view, card.model.name, "How " + card.model.name + " routes its tokens",
                     card.seed, sections);
}

}  // namespace moesim
