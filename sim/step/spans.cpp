#include "sim/step/spans.h"

namespace moesim {

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::kHost:
      return "host";
    case Phase::kWeightMoves:
      return "expert weights move";
    case Phase::kEmbedding:
      return "embedding";
    case Phase::kAttention:
      return "attention";
    case Phase::kLinear:
      return "linear";
    case Phase::kAllReduce:
      return "all-reduce";
    case Phase::kDispatch:
      return "dispatch";
    case Phase::kGather:
      return "all-gather";
    case Phase::kExperts:
      return "experts";
    case Phase::kCombine:
      return "combine";
    case Phase::kScatter:
      return "reduce-scatter";
    case Phase::kHead:
      return "head";
    case Phase::kWait:
      break;
  }
  return "wait";
}

bool is_communication(Phase phase) {
  switch (phase) {
    case Phase::kWeightMoves:
    case Phase::kAllReduce:
    case Phase::kDispatch:
    case Phase::kGather:
    case Phase::kCombine:
    case Phase::kScatter:
      return true;
    default:
      return false;
  }
}

void CommunicationTimes::add(const CommunicationTimes& other, double share) {
  for (std::size_t p = 0; p < phases.size(); ++p) phases[p] += other.phases[p] * share;
  for (std::size_t a = 0; a < all_reduces.size(); ++a) {
    all_reduces[a] += other.all_reduces[a] * share;
  }
  total += other.total * share;
}

void SpanLog::stretch(double factor) {
  for (StepSpan& span : spans_) {
    span.begin = span.begin * factor;
    span.end = span.end * factor;
  }
}

}  // namespace moesim
