#include "reports/render/words/break_even_words.h"

#include <fmt/format.h>

#include <cmath>

#include "reports/render/words/explanation_words.h"
#include "reports/render/words/format.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

// Between two settings it is no more certain than two digits.
std::string about(double x) {
  if (x == 0) return "0";
  const double step = std::pow(10, std::floor(std::log10(std::abs(x))) - 1);
  return fmt::format("about {:.12g}", std::round(x / step) * step);
}

// Settings at which the samples do not agree on the ranking.
std::string ties_text(const BreakEvenCurve& curve, const std::string& unit) {
  std::string list;
  for (const BreakEvenPoint& point : curve.points)
    if (point.tie) list += fmt::format("{}{:.4g}{}", list.empty() ? "" : ", ", point.setting, unit);
  return list.empty() ? "" : "; within the uncertainty at " + list;
}

// "8/s", "4 GB".
std::string unit_text(const BreakEvenCurve& curve) {
  return curve.unit.empty() || curve.unit.front() == '/' ? curve.unit : " " + curve.unit;
}

std::string setting_text(const BreakEvenCurve& curve, double setting) {
  return fmt::format("{:.4g}{}", setting, unit_text(curve));
}

std::string where_text(const BreakEvenCurve& curve) {
  const std::string others = shared_settings(curve);
  return others.empty() ? "" : " at " + others;
}

std::string same_order_throughout(const BreakEvenCurve& curve, const std::string& name) {
  const BreakEvenPoint& first = curve.points.front();
  return fmt::format("{} costs {} than {} at every {} from {} to {}{}", curve.moe,
                     first.moe < first.dense ? "less" : "more", curve.dense, name,
                     setting_text(curve, first.setting),
                     setting_text(curve, curve.points.back().setting), where_text(curve));
}

std::string crossing_text(const BreakEvenCurve& curve, const Crossing& crossing,
                          const std::string& name) {
  std::string text =
      fmt::format("{} costs {} than {} from {} {} on{} (between {} and {})", curve.moe,
                  crossing.moe_wins_after ? "less" : "more", curve.dense, name,
                  about(crossing.at) + unit_text(curve), where_text(curve),
                  setting_text(curve, crossing.before), setting_text(curve, crossing.after));
  if (crossing.reason) text += "; the crossover is driven by " + turning_text(crossing);
  return text;
}

}  // namespace

std::string break_even_sentence(const BreakEvenCurve& curve) {
  const std::string name = short_paths({curve.path}).front();
  std::string text;
  if (curve.crossings.empty()) text = same_order_throughout(curve, name);
  for (const Crossing& crossing : curve.crossings)
    text += (text.empty() ? "" : "; ") + crossing_text(curve, crossing, name);
  return printable(text + ties_text(curve, unit_text(curve)) + ".");
}

std::string turning_text(const Crossing& crossing) {
  if (!crossing.reason) return "";
  const auto& [part, quantity, before, after] = *crossing.reason;
  return fmt::format("{0} (MoE minus dense: {1:+.3g} {3} before, {2:+.3g} {3} after)",
                     part_name(part), before, after, quantity_unit(quantity));
}

std::string shared_settings(const BreakEvenCurve& curve) {
  std::string text;
  for (const auto& [name, value] : curve.others)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  return text;
}

}  // namespace moesim
