// An entry of `faults:` of a case.
#pragma once

#include <optional>
#include <string>

#include "base/keys.h"
#include "sim/deployment/faults.h"

namespace moesim {

// An entry as it is written. Which keys go together depends on what fails; the reader says so.
struct FaultEntry {
  std::optional<FaultPart> link;
  std::optional<std::int64_t> node, rail;
  std::optional<std::string> port;
  std::optional<std::int64_t> cables, gpu;
  std::optional<double> speed;
  std::optional<Seconds> from, until, timeout, fails, detection, restart;
};

// Of a GPU or node that never serves again.
inline constexpr const char* kNever = "never";

KeyFacts faults_key();
const KeyMap<FaultEntry>& fault_keys();

}  // namespace moesim
