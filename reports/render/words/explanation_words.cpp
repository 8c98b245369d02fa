#include "reports/render/words/explanation_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "reports/render/words/format.h"

namespace moesim {
namespace {

struct PartWords {
  std::string_view name, meaning;
};

// In the order of CostPart.
constexpr std::array<PartWords, kNumCostParts> kParts = {{
    {"compute", "Device time in arithmetic."},
    {"HBM", "Device time bound by memory bandwidth, at the same batch."},
    {"network", "Device time in collectives and transfers."},
    {"launches", "Device time in launches and host work, at the same batch."},
    {"imbalance", "Device time waiting for peers with more tokens or a fuller batch."},
    {"low batch occupancy",
     "Fixed work of a step over fewer sequences per device, with free blocks in the KV pool: "
     "traffic or the engine's limits do not fill the batch."},
    {"queueing", "Waiting of requests until a batch admits them, with free blocks in the KV pool."},
    {"KV-cache pressure",
     "Batches and waiting that a full KV pool limits; work redone after preemption."},
    {"idle", "Device time with a rank but nothing to do."},
    {"unallocated", "Device time of the cluster that no rank uses."},
    {"price", "Cost of a device-second."},
}};

struct QuantityWords {
  std::string_view name, unit;
};

// In the order of ExplainedQuantity.
constexpr std::array<QuantityWords, 3> kQuantities = {
    {{"cost per million output tokens", "USD"},
     {"device time per million output tokens", "s"},
     {"time per output token", "s"}}};

std::string in_a_sentence(std::string_view meaning) {
  std::string text(meaning);
  text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

}  // namespace

std::string_view part_name(CostPart part) {
  return kParts[static_cast<std::size_t>(part)].name;
}

std::string_view part_meaning(CostPart part) {
  return kParts[static_cast<std::size_t>(part)].meaning;
}

std::string_view quantity_name(ExplainedQuantity quantity) {
  return kQuantities[static_cast<std::size_t>(quantity)].name;
}

std::string_view quantity_unit(ExplainedQuantity quantity) {
  return kQuantities[static_cast<std::size_t>(quantity)].unit;
}

std::string signed_amount(double difference, ExplainedQuantity quantity) {
  return (difference < 0 ? "-" : "+") + readable(std::abs(difference), quantity_unit(quantity));
}

std::string explanation_sentence(const std::string& a, const std::string& b,
                                 const Explanation& explanation) {
  const std::string_view unit = quantity_unit(explanation.quantity);
  const std::string figures = fmt::format(
      "{}: {} for {}, {} for {}", quantity_name(explanation.quantity),
      readable(explanation.a, unit), printable(a), readable(explanation.b, unit), printable(b));
  if (!explanation.differs()) {
    const bool cancel =
        std::ranges::any_of(explanation.parts, [](double part) { return part != 0; });
    return figures + (cancel ? ": its parts cancel out." : ": there is no difference.");
  }
  const double whole = explanation.difference();
  const CostPart main = main_part(explanation);
  return fmt::format("{}, {} ({:+.1f} %). The largest part in that direction is {}: {}", figures,
                     signed_amount(whole, explanation.quantity),
                     explanation.a > 0 ? 100 * whole / explanation.a : 0, part_name(main),
                     in_a_sentence(part_meaning(main)));
}

}  // namespace moesim
