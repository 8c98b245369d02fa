// Profiles of serving engines: ranges of releases, the releases that exist, and those that were
// measured. Read from sim/engines/NAME.yaml or a user's own file.
#pragma once

#include <string>
#include <vector>

#include "hardware/spec/variation.h"
#include "sim/deployment/release_number.h"
#include "sim/deployment/serving_policy.h"

namespace moesim {

// One range of releases: from this one up to the next range.
struct ServingRelease {
  std::string from;   // "0.8"
  std::string since;  // Month of its first release, "2025-03".
  ServingPolicy policy;
};

// The measured releases on which the constants of an engine rest. Outside of them its times are
// multiplied by a factor that is 1 as stated and drawn from a wide range.
struct Evidence {
  std::string from, to;  // First and last release; empty = the file does not say.
  double older = 1;      // Factor on the times of releases before,
  double newer = 1;      // and after.
  std::vector<Fact> facts;

  bool stated() const { return !from.empty(); }
};

struct EngineProfile {
  std::string name;
  std::vector<KnownRelease> known;  // Oldest first; empty = the file does not say.
  Evidence evidence;
  std::vector<ServingRelease> releases;  // Oldest first; never empty.
};

// Shipped engines, by name.
std::vector<std::string> engine_names();

// An engine as a scenario names it: a shipped name or a path, then, after a space, a release
// ("0.8.5", or a month such as "2025-04"). Without a release the newest measured range is meant.
struct EngineWords {
  std::string engine;
  std::string release;
};
EngineWords engine_words(const std::string& text);

// Throws: InputError with every fault of the file, or with the shipped names if there is none.
EngineProfile load_engine(const std::string& name_or_path, const Variation& variation = {});

// The range that a release or month falls into; empty = the newest that was measured. A release
// outside the evidence has the evidence's factor in its times and says so in its policy's
// `caution`. Throws: InputError for a release that does not exist; it names those that do.
ServingRelease release_of(const EngineProfile& engine, const std::string& release);

// The range's policy on a device of that much memory.
ServingPolicy serving_policy(const ServingRelease& release, Bytes device_memory);

// The same by words, e.g. "vllm 0.8".
ServingPolicy serving_policy(const std::string& engine, Bytes device_memory);

}  // namespace moesim
