// The loss of a model on text by published scaling laws of MoE and dense models. Without it a sweep
// over sizes always favours the smallest model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim {

// The sizes of a model that enter the laws.
struct LawShape {
  double active = 0;   // Active parameters, embedding and head included.
  double held = 0;     // All parameters but embedding, head and gates.
  double experts = 1;  // Expansion rate: feed-forward parameters held over those used per token.
  // Feed-forward parameters used per token over those of one expert; 1 = one whole expert.
  double granularity = 1;
};
LawShape law_shape(const ModelSpec& model);

// Joint law of dense and MoE models, in nats per token of FineWeb-Edu cut by the GPT-2 tokenizer:
//   L = a E^(delta) N^(alpha + gamma ln E) + b E^(omega) D^(beta + zeta ln E) + c
// where E is the saturating count of effective_experts(); a dense model has one expert.
// Source: Ludziejewski et al. 2025, arXiv:2502.05172v2, equation 6 and Table 3.
double joint_loss(double active, double tokens, double experts);

// 1/E' = 1/(E - 1 + (1/E_start - 1/E_max)^-1) + 1/E_max. Requires: experts >= 1.
// Source: the same, equation 4 (after Clark et al. 2022, arXiv:2202.01169).
double effective_experts(double experts);

// Law of fine-grained MoE models of expansion rate 64, in nats per token of another corpus (C4):
//   L = c + (g G^-gamma + a) N^-alpha + b D^-beta,  N = LawShape::held
// Source: Krajewski et al. 2024, arXiv:2402.07871, equation 9 and Table 1.
double fine_grained_loss(double held, double tokens, double granularity);

// Loss that finer experts than one per token save by that law: L(G = 1) - L(G), never below 0.
double granularity_gain(double held, double granularity);

// A loss with its interval.
struct LossEstimate {
  double loss = 0;
  double low = 0, high = 0;
  std::vector<std::string> outside;  // Each input that the law was not fitted to, in words.
  double excess = 1;                 // The largest factor by which an input is outside; 1 = none.

  bool inside() const { return outside.empty(); }
};

// By the joint law. The interval is, in quadrature,
//   r                                   the largest error on the authors' held-out runs, 0.018
//   T (exp(|x k ln(value/edge)|) - 1)   for each term T whose parameters or tokens lie beyond the
//                                       edge of the experiments, x its exponent, k = 0.1
//   L(E) - L(32)                        beyond 32 experts, and below by granularity_gain() as well.
// k is an assumption: refits of the same runs moved exponents by 5 % (arXiv:2402.07871 Tables 1, 5)
// to 28 % (arXiv:2404.10102 of Hoffmann et al. 2022). Another corpus or tokenizer is not in it.
LossEstimate estimate_loss(const LawShape& shape, double tokens);

// By the fine-grained law, with its validation error of 0.019 and the same k.
LossEstimate estimate_fine_grained_loss(const LawShape& shape, double tokens);

// Parameters of the dense model that the joint law gives the same loss after the same tokens:
//   N = ((loss - c - b' D^beta') / a')^(1 / alpha'),  primes at one expert.
// Nothing if no dense model of up to 1e15 parameters reaches it.
std::optional<double> equal_quality_dense_params(double loss, double tokens);

inline constexpr const char* kJointLaw = "joint MoE scaling law, arXiv:2502.05172v2 eq. 6";
inline constexpr const char* kFineGrainedLaw =
    "fine-grained MoE scaling law, arXiv:2402.07871 eq. 9";

}  // namespace moesim
