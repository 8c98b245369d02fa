#include "models/router/kernel/lanes/lane_stages.h"

#include <algorithm>

namespace moesim {

namespace {

bool runs_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

bool runs_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

}  // namespace

float limited_logit(float logit) {
  return logit > -kLargestLogit ? std::min(logit, kLargestLogit) : -kLargestLogit;
}

std::vector<const LaneStages*> lane_stages() {
  std::vector<const LaneStages*> sets = {portable_lane_stages()};
  if (avx2_lane_stages() != nullptr && runs_avx2()) sets.push_back(avx2_lane_stages());
  if (avx512_lane_stages() != nullptr && runs_avx512()) sets.push_back(avx512_lane_stages());
  return sets;
}

}  // namespace moesim
