#include "reports/render/text/routing_card_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/render/words/format.h"

namespace moesim {
namespace {

std::string spread_text(const ExpertSpread& spread) {
  std::string text = fmt::format(
      "\n{} ranks on {} nodes: fullest EP group over the mean {:.3f} (mean over layers)\n"
      "per token and layer    copies inside nodes  between nodes     dispatch      combine\n",
      spread.ranks, spread.nodes, spread.mean_overload);
  for (const DispatchCost& cost : spread.costs)
    text += fmt::format("{:21}  {:19.2f}  {:13.2f}  {:>11}  {:>11}\n", cost.mode,
                        cost.copies_inside_nodes, cost.copies_between_nodes,
                        readable(cost.dispatch.value(), "B"), readable(cost.combine.value(), "B"));
  return text;
}

std::string training_text(const std::vector<TrainingPoint>& training) {
  std::string text = "\nstep of the training  max/mean   gini  dead experts  task loss\n";
  const std::size_t stride = std::max<std::size_t>(1, training.size() / 10);
  for (std::size_t i = 0; i < training.size(); ++i) {
    if ((i + 1) % stride != 0 && i + 1 != training.size()) continue;
    const TrainingPoint& point = training[i];
    text += fmt::format("{:20}  {:8.2f}  {:5.3f}  {:12}  {:9.3f}\n", point.step,
                        point.max_over_mean, point.gini, point.dead_experts, point.task_loss);
  }
  return text;
}

}  // namespace

std::string routing_card_text(const RoutingCard& card) {
  std::string text = routing_report(card.bank);
  if (card.spread) text += spread_text(*card.spread);
  if (!card.bank.training.empty()) text += training_text(card.bank.training);
  return text;
}

}  // namespace moesim
