// `moesim show`: one model or piece of hardware.
#pragma once

#include <cstdint>
#include <string>

#include "models/spec/parallel_plan.h"

namespace moesim {

struct ShowArguments {
  std::string name;
  bool json = false;
  bool layers = false;
  bool kernels = false;
  std::int64_t gpus = 0;  // With a fabric; 0 = a common size.
  std::string node;       // The same; empty = a common one.
  // With kernels:
  ParallelPlan plan;
  std::string weights, experts, kv;
};

// Returns the exit code. Throws: InputError for an unknown name or options that do not fit to it.
int show_command(const ShowArguments& arguments);

}  // namespace moesim
