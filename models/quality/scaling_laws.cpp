#include "models/quality/scaling_laws.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moesim {
namespace {

// Coefficients of arXiv:2502.05172v2 Table 3.
namespace joint {
constexpr double kA = 35.91, kAlpha = -0.1889, kDelta = -0.2285, kGamma = 0.0098;
constexpr double kB = 35.98, kBeta = -0.1775, kOmega = 0.5529, kZeta = -0.0259;
constexpr double kC = 1.3637, kStart = 2.0732, kMax = 290.4521;
constexpr double kLargestError = 0.018;  // On the held-out runs (Figure 5).
}  // namespace joint

// Coefficients of arXiv:2402.07871 Table 1.
namespace fine {
constexpr double kA = 18.1, kAlpha = 0.115, kG = 2.1, kGamma = 0.58;
constexpr double kB = 30.8, kBeta = 0.147, kC = 0.47;
constexpr double kValidationError = 0.019;  // RMSE (section 5.4).
}  // namespace fine

constexpr double kExponentDoubt = 0.1;

// The range of sizes that the experiments covered.
struct Extent {
  const char* what;
  const char* unit;
  double least, most;
};
// arXiv:2502.05172v2 appendix E: every run, and tokens per active parameter of every run.
constexpr Extent kJointActive = {"active parameters", "", 79e6, 2.7e9};
constexpr Extent kJointTokens = {"training tokens", "", 0.5e9, 80e9};
constexpr Extent kJointRatio = {"training tokens per active parameter", "", 0.36, 73};
constexpr Extent kJointExperts = {"an expansion rate of", "", 1, 32};
constexpr Extent kJointGranularity = {"a granularity of", "", 1, 1};
// arXiv:2402.07871 section 5: sizes, durations, granularities; one expansion rate.
constexpr Extent kFineHeld = {"parameters without embedding", "", 129e6, 3.7e9};
constexpr Extent kFineTokens = {"training tokens", "", 16e9, 130e9};
constexpr Extent kFineGranularity = {"a granularity of", "", 1, 16};
constexpr Extent kFineExperts = {"an expansion rate of", "", 64, 64};

constexpr double kRounding = 1.005;  // Counts are published with two digits or three.

std::string short_number(double value) {
  for (const auto& [unit, name] : {std::pair{1e12, " T"}, {1e9, " B"}, {1e6, " M"}}) {
    if (value >= unit) return fmt::format("{:.3g}{}", value / unit, name);
  }
  return fmt::format("{:.3g}", value);
}

// Where a value counts from: itself inside the extent, else its edge.
double nearest(const Extent& extent, double value) {
  return std::clamp(value, extent.least, extent.most);
}

void check(const Extent& extent, double value, LossEstimate& estimate) {
  const double edge = nearest(extent, value);
  const double factor = std::max(value / edge, edge / value);
  if (factor <= kRounding) return;
  const std::string limit =
      extent.least == extent.most
          ? short_number(edge)
          : fmt::format("{} {}", value > edge ? "at most" : "at least", short_number(edge));
  const std::string name = extent.what;
  const bool is_rate = name.ends_with("of");
  estimate.outside.push_back(
      is_rate ? fmt::format("{} {} against {}", name, short_number(value), limit)
              : fmt::format("{} {} against {}", short_number(value), name, limit));
  estimate.excess = std::max(estimate.excess, factor);
}

// How far a term may be off when its exponent is, counted from the edge of the experiments.
double beyond(const Extent& extent, double value, double term, double exponent) {
  const double distance = std::log(value / nearest(extent, value));
  return term * std::expm1(std::abs(exponent * kExponentDoubt * distance));
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
    using namespace joint;
    const double e = effective_experts(experts);
    m = kA * std::pow(e, kDelta);
    mu = kAlpha + kGamma * std::log(e);
    n = kB * std::pow(e, kOmega);
    nu = kBeta + kZeta * std::log(e);
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
  using namespace joint;
  const double start = 1 / (1 / kStart - 1 / kMax);
  return 1 / (1 / (experts - 1 + start) + 1 / kMax);
}

double joint_loss(double active, double tokens, double experts) {
  const AtExperts law(experts);
  return law.size_term(active) + law.data_term(tokens) + joint::kC;
}

double fine_grained_loss(double held, double tokens, double granularity) {
  using namespace fine;
  return kC + (kG * std::pow(granularity, -kGamma) + kA) * std::pow(held, -kAlpha) +
         kB * std::pow(tokens, -kBeta);
}

double granularity_gain(double held, double granularity) {
  using namespace fine;
  const double finer = std::max(granularity, 1.0);
  return kG * (1 - std::pow(finer, -kGamma)) * std::pow(held, -kAlpha);
}

LossEstimate estimate_loss(const LawShape& shape, double tokens) {
  const AtExperts law(shape.experts);
  LossEstimate estimate;
  estimate.loss = joint_loss(shape.active, tokens, shape.experts);
  check(kJointActive, shape.active, estimate);
  check(kJointTokens, tokens, estimate);
  check(kJointRatio, tokens / shape.active, estimate);
  check(kJointExperts, shape.experts, estimate);
  check(kJointGranularity, shape.granularity, estimate);
  const double experts = nearest(kJointExperts, shape.experts);
  const double uncertainty =
      quadrature({joint::kLargestError,
                  beyond(kJointActive, shape.active, law.size_term(shape.active), law.mu),
                  beyond(kJointTokens, tokens, law.data_term(tokens), law.nu),
                  estimate.loss - joint_loss(shape.active, tokens, experts)});
  estimate.high = estimate.loss + uncertainty;
  estimate.low = estimate.loss - uncertainty - granularity_gain(shape.held, shape.granularity);
  return estimate;
}

LossEstimate estimate_fine_grained_loss(const LawShape& shape, double tokens) {
  using namespace fine;
  LossEstimate estimate;
  estimate.loss = fine_grained_loss(shape.held, tokens, shape.granularity);
  check(kFineHeld, shape.held, estimate);
  check(kFineTokens, tokens, estimate);
  check(kFineGranularity, shape.granularity, estimate);
  check(kFineExperts, shape.experts, estimate);
  const double data_term = kB * std::pow(tokens, -kBeta);
  const double uncertainty = quadrature(
      {kValidationError, beyond(kFineHeld, shape.held, estimate.loss - kC - data_term, kAlpha),
       beyond(kFineTokens, tokens, data_term, kBeta)});
  estimate.low = estimate.loss - uncertainty;
  estimate.high = estimate.loss + uncertainty;
  return estimate;
}

std::optional<double> equal_quality_dense_params(double loss, double tokens) {
  constexpr double kMostParameters = 1e15;
  const AtExperts dense(1);
  const double left = loss - joint::kC - dense.data_term(tokens);
  if (!(left > 0)) return std::nullopt;
  const double params = std::pow(left / dense.m, 1 / dense.mu);
  if (params > kMostParameters) return std::nullopt;
  return params;
}

}  // namespace moesim
