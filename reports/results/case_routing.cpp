#include "reports/results/case_routing.h"

#include <array>
#include <stdexcept>
#include <utility>

#include "models/router/tokens/calibration.h"

namespace moesim {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 7> kBases = {
    {{"recorded", "ids that a real engine recorded"},
     {"drawn from counts",
      "recorded counts per expert; the tokens themselves were drawn from them"},
     {"real gates", "generated tokens through the gates of the real checkpoint"},
     {"trained", "generated tokens with the loads of a gate trained in miniature for this case"},
     {"calibrated", "generated tokens, calibrated on published statistics of this model"},
     {"assumption",
      "generated tokens; this model has no published routing statistics, so its "
      "calibration is a stated default"},
     {"baseline", "no router at all"}}};

}  // namespace

std::string routing_basis(const ModelSpec& model, const TokenSource& source, RoutingOrigin origin) {
  switch (origin) {
    case RoutingOrigin::kRecorded:
      return "recorded";
    case RoutingOrigin::kDrawnFromCounts:
      return "drawn from counts";
    case RoutingOrigin::kBaseline:
      return "baseline";
    case RoutingOrigin::kGenerated:
      break;
  }
  if (source.policy == TokenPolicy::kTrained) return "trained";
  if (!source.gate.empty()) return "real gates";
  return routing_calibration(model).provenance;
}

std::string basis_meaning(const std::string& basis) {
  for (const auto& [name, meaning] : kBases)
    if (basis == name) return meaning;
  throw std::logic_error("no routing basis " + basis);
}

}  // namespace moesim
