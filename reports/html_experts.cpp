// Heat maps of expert load: layers by experts, tokens over the mean, numbers in the cells.
#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/html.h"
#include "reports/metrics.h"

namespace moesim {
namespace {

constexpr std::size_t kMostRows = 64;
constexpr std::size_t kMostColumns = 64;
constexpr std::size_t kBinnedColumns = 32;  // Fit on one screen.
constexpr std::size_t kMostMaps = 4;

using Grid = std::vector<std::vector<double>>;

// Neighbours that one cell stands for.
std::size_t layers_per_cell(std::size_t layers) {
  return (layers + kMostRows - 1) / kMostRows;
}

std::size_t experts_per_cell(std::size_t experts) {
  return experts <= kMostColumns ? 1 : (experts + kBinnedColumns - 1) / kBinnedColumns;
}

// The hottest of every bin of layers and experts: a mean would hide what limits the step.
Grid binned(const Grid& load, std::size_t layers, std::size_t experts) {
  Grid grid;
  for (std::size_t layer = 0; layer < load.size(); ++layer) {
    if (layer % layers == 0) grid.emplace_back();
    std::vector<double>& row = grid.back();
    row.resize(std::max(row.size(), (load[layer].size() + experts - 1) / experts), 0.0);
    for (std::size_t expert = 0; expert < load[layer].size(); ++expert)
      row[expert / experts] = std::max(row[expert / experts], load[layer][expert]);
  }
  return grid;
}

// Class of a load: h0 (cold) .. h3 (about the mean) .. h7 (8 times the mean and more).
int heat(double load) {
  constexpr double kBounds[] = {0.25, 0.5, 0.8, 1.25, 2, 4, 8};
  int level = 0;
  for (const double bound : kBounds) level += load >= bound;
  return level;
}

std::string range_text(std::size_t bin, std::size_t width, std::size_t count) {
  const std::size_t first = bin * width, last = std::min(count, first + width) - 1;
  return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

std::size_t most_experts(const Grid& load) {
  std::size_t most = 0;
  for (const std::vector<double>& layer : load) most = std::max(most, layer.size());
  return most;
}

std::string heat_table(const Grid& load) {
  const std::size_t layer_bin = layers_per_cell(load.size());
  const std::size_t experts = most_experts(load), expert_bin = experts_per_cell(experts);
  const Grid grid = binned(load, layer_bin, expert_bin);
  std::string table = "<table class=\"heat\"><thead><tr><th scope=\"col\">layer</th>";
  for (std::size_t e = 0; e * expert_bin < experts; ++e)
    table += fmt::format("<th scope=\"col\">{}</th>", e * expert_bin);
  table += "</tr></thead><tbody>\n";
  for (std::size_t l = 0; l < grid.size(); ++l) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", range_text(l, layer_bin, load.size()));
    for (const double value : grid[l])
      table += fmt::format("<td class=\"h{}\">{:.1f}</td>", heat(value), value);
    table += "</tr>\n";
  }
  return table + "</tbody></table>";
}

std::string binning_note(const Grid& load) {
  const std::size_t layers = layers_per_cell(load.size());
  const std::size_t experts = experts_per_cell(most_experts(load));
  if (layers == 1 && experts == 1) return "";
  return fmt::format(" Each cell shows the hottest of {} neighbouring experts{}.", experts,
                     layers > 1 ? fmt::format(" in {} layers", layers) : "");
}

std::string expert_map(const HtmlView& view, std::size_t index) {
  const CaseReport& one = view.report.cases[index];
  const std::string title = view.title(index);
  return fmt::format(
      "<div class=\"map\"><h3>{}</h3><p class=\"note\">Hottest expert over mean {}, fullest "
      "expert-parallel group over mean {}, Gini {}. Routing: {}.{}</p>{}</div>\n",
      html_text(title), readable_metric(one, "expert_load_max_over_mean"),
      readable_metric(one, "ep_group_max_over_mean"), readable_metric(one, "expert_load_gini"),
      html_text(one.routing_provenance), binning_note(one.expert_load),
      scrolled("Expert load of " + title, heat_table(one.expert_load)));
}

}  // namespace

std::string experts_section(const HtmlView& view) {
  std::string maps;
  std::size_t count = 0;
  for (const std::size_t i : view.shown) {
    if (view.report.cases[i].expert_load.empty() || ++count > kMostMaps) continue;
    maps += expert_map(view, i);
  }
  if (maps.empty()) return "";
  return "<section><h2>Expert load</h2><p>Tokens of every expert over the mean expert, layer by "
         "layer: 1 is balanced, 2 is twice the mean.</p>"
         "<p class=\"legend\" aria-hidden=\"true\"><span class=\"h0\">&lt; 0.25</span>"
         "<span class=\"h1\">0.25</span><span class=\"h2\">0.5</span><span class=\"h3\">0.8"
         "</span><span class=\"h4\">1.25</span><span class=\"h5\">2</span><span class=\"h6\">4"
         "</span><span class=\"h7\">&ge; 8</span></p>\n" +
         maps + "</section>\n";
}

}  // namespace moesim
