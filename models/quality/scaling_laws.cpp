#include "models/quality/scaling_laws.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/quality/law_coefficients.h"

namespace moesim {
namespace {

const JointLaw& joint() {
  return law_coefficients().joint;
}
const FineGrainedLaw& fine_grained() {
  return law_coefficients().fine_grained;
}

// A size of a model and the words for it when it lies outside the experiments.
struct Size {
  const char* what;
  double value;
  LawExtent extent;
};

constexpr double kRounding = 1.005;  // Counts are published with two digits or three.

std::string short_number(double value) {
  for (const auto& [unit, name] : {std::pair{1e12, " T"}, {1e9, " B"}, {1e6, " M"}}) {
    if (value >= unit) return fmt::format("{:.3g}{}", value / unit, name);
  }
  return fmt::format("{:.3g}", value);
}

// Where a value counts from: itself inside the extent, else its edge.
double nearest(const LawExtent& extent, double value) {
  return std::clamp(value, extent.least, extent.most);
}

void check(const Size& size, LossEstimate& estimate) {
  const double value = size.value, edge = nearest(size.extent, value);
  const double factor = std::max(value / edge, edge / value);
  if (factor <= kRounding) return;
  const std::string limit =
      size.extent.least == size.extent.most
          ? short_number(edge)
          : fmt::format("{} {}", value > edge ? "at most" : "at least", short_number(edge));
  const std::string name = size.what;
  const bool is_rate = name.ends_with("of");
  estimate.outside.push_back(
      is_rate ? fmt::format("{} {} against {}", name, short_number(value), limit)
              : fmt::format("{} {} against {}", short_number(value), name, limit));
  estimate.excess = std::max(estimate.excess, factor);
}

// How far a term may be off when its exponent is, counted from the edge of the experiments.
double beyond(const LawExtent& extent, double value, double term, double exponent) {
  const double distance = std::log(value / nearest(extent, value));
  return term * std::expm1(std::abs(exponent * law_coefficients().exponent_error * distance));
}

double quadrature(std::initializer_list<double> parts) {
  double sum = 0;
  for (const double part : parts) sum += part * part;
  return std::sqrt(sum);
}

// The joint law at a number of experts: m N^mu + n D^nu + c.
struct AtExperts {
  double m, mu, n, nu;
  explicit AtExperts(double experts) {
    const JointLaw& law = joint();
    const double e = effective_experts(experts);
    m = law.a * std::pow(e, law.delta);
    mu = law.alpha + law.gamma * std::log(e);
    n = law.b * std::pow(e, law.omega);
    nu = law.beta + law.zeta * std::log(e);
  }
  double size_term(double active) const { return m * std::pow(active, mu); }
  double data_term(double tokens) const { return n * std::pow(tokens, nu); }
};

}  // namespace

LawShape law_shape(const ModelSpec& model) {
  const ParameterCounts counts = count_parameters(model);
  double gates = 0, held = 0, used = 0, moe_used = 0, one_expert = 0;
  for (const LayerSpec& layer : model.layers) {
    const LayerParameters count = count_parameters(model, layer);
    gates += static_cast<double>(count.gate);
    held += static_cast<double>(count.dense + count.shared + count.routed);
    used += static_cast<double>(count.dense + count.shared + count.routed_active);
    if (!layer.moe) continue;
    moe_used += static_cast<double>(count.shared + count.routed_active);
    one_expert += static_cast<double>(layer.moe->expert_params());
  }
  const std::int64_t vocabulary = model.embedding_params() * (model.tied_embeddings ? 1 : 2);
  LawShape shape;
  shape.active = static_cast<double>(counts.active);
  shape.held = static_cast<double>(counts.total - vocabulary) - gates;
  if (used > 0) shape.experts = held / used;
  if (one_expert > 0) shape.granularity = moe_used / one_expert;
  return shape;
}

double effective_experts(double experts) {
  const JointLaw& law = joint();
  const double start = 1 / (1 / law.start - 1 / law.max);
  return 1 / (1 / (experts - 1 + start) + 1 / law.max);
}

double joint_loss(double active, double tokens, double experts) {
  const AtExperts law(experts);
  return law.size_term(active) + law.data_term(tokens) + joint().c;
}

double fine_grained_loss(double held, double tokens, double granularity) {
  const FineGrainedLaw& law = fine_grained();
  return law.c + (law.g * std::pow(granularity, -law.gamma) + law.a) * std::pow(held, -law.alpha) +
         law.b * std::pow(tokens, -law.beta);
}

double granularity_gain(double held, double granularity) {
  const FineGrainedLaw& law = fine_grained();
  const double finer = std::max(granularity, 1.0);
  return law.g * (1 - std::pow(finer, -law.gamma)) * std::pow(held, -law.alpha);
}

LossEstimate estimate_loss(const LawShape& shape, double tokens) {
  const AtExperts law(shape.experts);
  LossEstimate estimate;
  estimate.loss = joint_loss(shape.active, tokens, shape.experts);
  check({"active parameters", shape.active, joint().active}, estimate);
  check({"training tokens", tokens, joint().tokens}, estimate);
  check({"training tokens per active parameter", tokens / shape.active, joint().tokens_per_active},
        estimate);
  check({"an expansion rate of", shape.experts, joint().experts}, estimate);
  check({"a granularity of", shape.granularity, joint().granularity}, estimate);
  const double experts = nearest(joint().experts, shape.experts);
  const double uncertainty = quadrature(
      {joint().error, beyond(joint().active, shape.active, law.size_term(shape.active), law.mu),
       beyond(joint().tokens, tokens, law.data_term(tokens), law.nu),
       estimate.loss - joint_loss(shape.active, tokens, experts)});
  estimate.high = estimate.loss + uncertainty;
  estimate.low = estimate.loss - uncertainty - granularity_gain(shape.held, shape.granularity);
  return estimate;
}

LossEstimate estimate_fine_grained_loss(const LawShape& shape, double tokens) {
  const FineGrainedLaw& law = fine_grained();
  LossEstimate estimate;
  estimate.loss = fine_grained_loss(shape.held, tokens, shape.granularity);
  check({"parameters without embedding", shape.held, law.held}, estimate);
  check({"training tokens", tokens, law.tokens}, estimate);
  check({"a granularity of", shape.granularity, law.granularity}, estimate);
  check({"an expansion rate of", shape.experts, law.experts}, estimate);
  const double data_term = law.b * std::pow(tokens, -law.beta);
  const double uncertainty = quadrature(
      {law.error, beyond(law.held, shape.held, estimate.loss - law.c - data_term, law.alpha),
       beyond(law.tokens, tokens, data_term, law.beta)});
  estimate.low = estimate.loss - uncertainty;
  estimate.high = estimate.loss + uncertainty;
  return estimate;
}

std::optional<double> equal_quality_dense_params(double loss, double tokens) {
  constexpr double kMostParameters = 1e15;
  const AtExperts dense(1);
  const double left = loss - joint().c - dense.data_term(tokens);
  if (!(left > 0)) return std::nullopt;
  const double params = std::pow(left / dense.m, 1 / dense.mu);
  if (params > kMostParameters) return std::nullopt;
  return params;
}

}  // namespace moesim
