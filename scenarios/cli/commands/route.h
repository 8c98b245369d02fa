// `moesim route`: a model's router by itself, without hardware or traffic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim {

struct RouteArguments {
  std::string model;
  std::int64_t seed = 0;
  // As under `router:` of a scenario; empty = its default.
  std::string tokens, domain, trace, gate, alpha;
  std::vector<std::string> training;  // key=value
  std::vector<std::string> changes;   // key=value
  ModelOverrides sizes;
  // Where the experts lie.
  std::int64_t ranks = 1;
  std::int64_t nodes = 1;
  std::int64_t redundant = 0;
  std::string placement;  // Empty = the first one.
  // What comes out.
  std::string npy;
  std::string html;
  bool json = false;
};

// Returns the exit code. Throws: InputError for bad input.
int route_command(const RouteArguments& arguments);

}  // namespace moesim
