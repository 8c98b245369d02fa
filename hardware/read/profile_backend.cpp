// Back ends: how long it takes from one kernel to the next through CUDA, ROCm, Metal or Vulkan.
#include <algorithm>

#include "hardware/read/profile_tables.h"
#include "hardware/read/profiles.h"

namespace moesim {

const ProfileKeys<Backend>& backend_keys() {
  using B = Backend;
  using enum Enters;
  static const ProfileKeys<B> kKeys = {
      note<B>("title", "The back end in words"),
      uncertain(kTime, key(&B::launch, "launch", kLaunch, kRequired, kLaunchMeaning)),
      uncertain(kTime, key(&B::eager_launch_factor, "eager_launch_factor", kEagerFactor, kRequired,
                           kEagerMeaning))};
  return kKeys;
}

Backend read_backend(const ProfileFile& file, Faults& faults) {
  return read_profile(file, backend_keys(), faults);
}

void use_backend(KernelFamily& family, const std::string& name, const Variation& variation) {
  Faults faults;
  auto file = find_profile("backends", name, nullptr, Fault{}, faults);
  faults.throw_if_any();
  file->variation = variation;
  const Backend backend = read_backend(*file, faults);
  faults.throw_if_any();
  std::erase_if(family.facts, [](const Fact& fact) {
    return fact.path.ends_with(": launch") || fact.path.ends_with(": eager_launch_factor");
  });
  family.backend = backend.name;
  family.launch = backend.launch;
  family.eager_launch_factor = backend.eager_launch_factor;
  family.facts.insert(family.facts.end(), backend.facts.begin(), backend.facts.end());
}

}  // namespace moesim
