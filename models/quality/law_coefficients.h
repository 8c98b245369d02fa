// Coefficients of the scaling laws, from models/quality/scaling_laws.yaml.
#pragma once

namespace moesim {

// The sizes that the experiments of a law covered.
struct LawExtent {
  double least = 0;
  double most = 0;
};

// Names as in the formulas of scaling_laws.h.
struct JointLaw {
  double a = 0, alpha = 0, delta = 0, gamma = 0;
  double b = 0, beta = 0, omega = 0, zeta = 0;
  double c = 0, start = 0, max = 0;
  double error = 0;  // The largest on held-out runs, in nats.
  LawExtent active, tokens, tokens_per_active, experts, granularity;
};

struct FineGrainedLaw {
  double a = 0, alpha = 0, g = 0, gamma = 0;
  double b = 0, beta = 0, c = 0;
  double error = 0;  // RMSE of the validation, in nats.
  LawExtent held, tokens, experts, granularity;
};

struct LawCoefficients {
  JointLaw joint;
  FineGrainedLaw fine_grained;
  double exponent_error = 0;     // Of an exponent beyond the experiments, relative.
  double tokens_per_active = 0;  // Training tokens per active parameter, where not published.
};

// Read once. Throws: InputError if the shipped file has faults.
const LawCoefficients& law_coefficients();

}  // namespace moesim
