// The cases that can win as points over what they cost: what report.js draws, and the same numbers
// as a table.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "reports/analysis/pareto.h"
#include "reports/render/html/html.h"
#include "reports/render/words/format.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr Metric kLoss = Metric::kPredictedLoss;
// Objectives of the front, and the time per token, which is the part of latency that most ask for.
constexpr std::array kChoices = {Metric::kCostPerMillionOutputTokens, Metric::kTpotP50,
                                 Metric::kEnergyPerOutputToken, Metric::kE2eP99, kLoss};
// More points than these are a cloud; those of the front are all there.
constexpr std::size_t kMostPoints = 2000;
constexpr std::size_t kMostTabulated = 200;
// So few and so short names have room beside their points; others have numbers.
constexpr std::size_t kMostNamed = 8;
constexpr std::size_t kLongestName = 20;

struct Scatter {
  std::vector<Metric> keys;         // Across, then the choices upwards.
  std::vector<std::size_t> points;  // Cases: the front, then others; in report order each.
  std::size_t front = 0;            // How many of them are the front.
  std::size_t able = 0;
  bool named = false;
  bool extrapolated = false;  // The loss is.
};

Scatter scatter_of(const HtmlView& view) {
  const std::vector<CaseReport>& cases = view.report.cases;
  const ParetoFront front = pareto_front(cases);
  Scatter scatter;
  for (const Metric key : kChoices) {
    const bool compares = key != kLoss || front.has(key);
    const bool all = std::ranges::all_of(
        view.ranking, [&](std::size_t i) { return objective(cases[i], key).has_value(); });
    if (compares && all) scatter.keys.push_back(key);
  }
  scatter.points = front.members;
  scatter.front = front.members.size();
  scatter.able = view.ranking.size();
  scatter.extrapolated = front.extrapolated;
  const std::set<std::size_t> on_front(front.members.begin(), front.members.end());
  std::vector<std::size_t> others = view.ranking;
  std::erase_if(others, [&](std::size_t i) { return on_front.contains(i); });
  std::ranges::sort(others);
  const std::size_t room = kMostPoints - std::min(kMostPoints, scatter.front);
  const std::size_t shown = std::min(room, others.size());
  for (std::size_t n = 0; n < shown; ++n) {
    scatter.points.push_back(others[n * others.size() / shown]);
  }
  scatter.named = scatter.points.size() <= kMostNamed &&
                  std::ranges::all_of(scatter.points, [&](std::size_t i) {
                    return view.title(i).size() <= kLongestName;
                  });
  return scatter;
}

std::string axis_label(const Scatter& scatter, Metric key) {
  return key == kLoss && scatter.extrapolated ? "extrapolated loss" : metric_row(key).label;
}

// What stands beside the n-th point.
std::string label(const HtmlView& view, const Scatter& scatter, std::size_t n) {
  if (scatter.named) return view.title(scatter.points[n]);
  return n < scatter.front ? std::to_string(n + 1) : "";
}

std::string points_table(const HtmlView& view, const Scatter& scatter) {
  std::string table = "<table><thead><tr><th scope=\"col\">case</th><th scope=\"col\">front</th>";
  for (const Metric key : scatter.keys)
    table += fmt::format("<th scope=\"col\">{}</th>", html_text(axis_label(scatter, key)));
  table += "</tr></thead><tbody>\n";
  for (std::size_t n = 0; n < std::min(scatter.points.size(), kMostTabulated); ++n) {
    const std::size_t index = scatter.points[n];
    const std::string number =
        scatter.named || n >= scatter.front ? "" : fmt::format("{}. ", n + 1);
    table += fmt::format("<tr><th scope=\"row\">{}{}</th><td>{}</td>", number,
                         html_text(view.title(index)), n < scatter.front ? "yes" : "no");
    for (const Metric key : scatter.keys) {
      const double value = *objective(view.report.cases[index], key);
      table += fmt::format("<td data-point=\"{}\" data-objective=\"{}\" data-value=\"{}\">{}</td>",
                           index, metric_row(key).key, exact_number(value),
                           html_text(readable(value, metric_row(key).unit)));
    }
    table += "</tr>\n";
  }
  return scrolled("Pareto points: numbers", table + "</tbody></table>");
}

std::string note(const Scatter& scatter) {
  std::string text =
      "Further left and further down is better. Diamonds are on the front of all objectives, "
      "circles are beaten; the line joins those that none beats in the two that are shown.";
  if (!scatter.named) text += " Numbers are those of the table.";
  if (scatter.points.size() < scatter.able) {
    text += fmt::format(" Of {} cases that are beaten, every {}th is shown.",
                        scatter.able - scatter.front,
                        (scatter.able - scatter.front) / (scatter.points.size() - scatter.front));
  }
  return text;
}

}  // namespace

std::string scatter_figure(const HtmlView& view) {
  const Scatter scatter = scatter_of(view);
  if (scatter.points.size() < 2 || scatter.keys.size() < 2) return "";
  std::string choices;
  for (std::size_t k = 1; k < scatter.keys.size(); ++k) {
    choices += fmt::format("<option value=\"{}\">{}</option>", k - 1,
                           html_text(axis_label(scatter, scatter.keys[k])));
  }
  const std::string across = axis_label(scatter, scatter.keys[0]);
  return fmt::format(
             "<p class=\"choice\"><label>{} against <select id=\"choice-pareto\" "
             "autocomplete=\"off\">{}</select></label></p>\n",
             html_text(across), choices) +
         chart_figure({"pareto", "Trade-offs", note(scatter), 11}, points_table(view, scatter));
}

Json scatter_data(const HtmlView& view) {
  const Scatter scatter = scatter_of(view);
  if (scatter.points.size() < 2 || scatter.keys.size() < 2) return nullptr;
  Json axes = Json::array();
  for (const Metric key : scatter.keys) {
    axes.push_back({{"key", metric_row(key).key},
                    {"label", axis_label(scatter, key)},
                    {"unit", metric_row(key).unit}});
  }
  Json points = Json::array();
  for (std::size_t n = 0; n < scatter.points.size(); ++n) {
    const std::size_t index = scatter.points[n];
    Json values = Json::array();
    for (const Metric key : scatter.keys)
      values.push_back(*objective(view.report.cases[index], key));
    points.push_back({{"row", index},
                      {"name", view.title(index)},
                      {"label", label(view, scatter, n)},
                      {"front", n < scatter.front},
                      {"values", values}});
  }
  return {{"id", "pareto"}, {"axes", axes}, {"points", points}};
}

}  // namespace moesim
