// Kernel families: the calibrated constants of the kernels of one hardware generation.
#include "hardware/read/profile_tables.h"

namespace moesim {
namespace {

constexpr double kTiny = 1e-6;  // Keeps zero out where a zero would divide.
constexpr form::Number kShare{kTiny, 1};
constexpr form::Number kFactor{kTiny, 10};

using F = KernelFamily;
using enum Enters;

ProfileKeys<F> time_keys() {
  return {uncertain(kTime, key(&F::bandwidth_efficiency, "bandwidth_efficiency", kShare, kRequired,
                               "Share of the memory bandwidth that streaming weights reaches")),
          uncertain(kTime, key(&F::kv_bandwidth_efficiency, "kv_bandwidth_efficiency", kShare,
                               kRequired, "The same of reading a KV cache in decode attention")),
          uncertain(kTime, key(&F::attention_compute_efficiency, "attention_compute_efficiency",
                               kShare, kRequired,
                               "Share of the peak that the attention core of a prompt reaches")),
          uncertain(kTime, key(&F::attention_ramp_tokens, "attention_ramp_tokens",
                               form::Number{kTiny, 1e6}, kAsBuilt,
                               "Keys per query at which half of that is lost")),
          uncertain(kTime, key(&F::expert_compute_efficiency, "expert_compute_efficiency",
                               form::Number{kTiny, 2}, kRequired,
                               "Rate of grouped expert GEMMs over that of a large GEMM")),
          uncertain(kTime, key(&F::expert_rows_lost, "expert_rows_lost", form::Number{kTiny, 1e4},
                               kAsBuilt, "Rows of work lost for each expert hit: half a tile")),
          setting(kTime,
                  key(&F::contiguous_experts, "contiguous_experts", form::Flag{}, kAsBuilt,
                      "Whether DeepGEMM's contiguous grouped kernels run on it, which pad experts "
                      "to `expert_alignment` of the engine")),
          uncertain(kTime, key(&F::sm_bandwidth_share, "sm_bandwidth_share",
                               form::Number{kTiny, 1e3}, otherwise("no limit"),
                               "Bandwidth that one SM can use, over the memory bandwidth per SM")),
          uncertain(kTime,
                    key(&F::overlap_exponent, "overlap_exponent", form::Number{0.5, 32}, kRequired,
                        "Exponent p of (compute^p + memory^p)^(1/p), the time of a kernel; 1 = "
                        "one after the other"))};
}

ProfileKeys<F> power_keys() {
  return {
      uncertain(kEnergy, key(&F::power_busy, "power_busy", kShare, kRequired,
                             "Share of `tdp` that any running kernel draws")),
      uncertain(kEnergy, key(&F::power_hbm, "power_hbm", kFactor, kRequired,
                             "Share of `tdp` that memory traffic at full bandwidth adds")),
      uncertain(kEnergy, key(&F::power_tensor, "power_tensor", kFactor, kRequired,
                             "Share of `tdp` that multiplication at the full peak would add")),
      uncertain(kEnergy, key(&F::power_link, "power_link", kFactor, kRequired,
                             "Share of `tdp` that scale-up traffic at full bandwidth adds")),
      uncertain(kEnergy, key(&F::power_cap, "power_cap", kShare, kRequired,
                             "Highest sustained share of `tdp`")),
      uncertain(kEnergy, key(&F::power_waiting, "power_waiting", kShare, kRequired,
                             "Share of `tdp` of a device that waits for its peers or its host"))};
}

// Constants that are known for accelerators in general: a family without its own takes those of
// generic.yaml.
ProfileKeys<F> common_keys() {
  const Default as_generic = otherwise("as `generic`");
  return {
      uncertain(kTime,
                key(&F::widened_expert_efficiency, "widened_expert_efficiency", kShare, as_generic,
                    "Rate of grouped expert GEMMs whose four-bit weights are widened to 16 "
                    "bit, over that of others; on devices without four-bit units")),
      uncertain(kTime, key(&F::widened_rows_lost, "widened_rows_lost", form::Number{kTiny, 1e4},
                           as_generic, "Rows of work that such a GEMM loses for each expert hit")),
      uncertain(kTime, key(&F::attention_ramp_head_dim, "attention_ramp_head_dim",
                           form::Number{kTiny, 1e4}, as_generic,
                           "Head dimension d0 below which the rate of the attention core of a "
                           "prompt falls, as d/(d + d0)")),
      uncertain(kTime, key(&F::cache_bandwidth_factor, "cache_bandwidth_factor",
                           form::Number{1, 100}, as_generic,
                           "Bandwidth of the last-level cache, where partial sums of a split GEMM "
                           "lie, over that of memory")),
      by_format(kEnergy, &F::expert_tile_rows, "expert_tile_rows", form::Number{1, 1024},
                as_generic,
                "Token rows to which the tensor units pad the work of one expert, which draws "
                "power; formats not listed as bf16"),
      uncertain(kTime, key(&F::lowest_clock, "lowest_clock", form::Number{0.01, 1}, as_generic,
                           "Lowest clock over the highest, under a power limit"))};
}

void take_backend(const ProfileFile& file, KernelFamily& family, Faults& faults) {
  const Backend backend = read_backend(file, faults);
  family.backend = backend.name;
  family.launch = backend.launch;
  family.eager_launch_factor = backend.eager_launch_factor;
  family.facts = backend.facts;
}

// The launch cost is the family's own, or else that of its back end.
ProfileKeys<F> launch_keys() {
  const Default of_backend = otherwise("as its back end");
  return {
      profile("backend", "backends", take_backend, otherwise("a launch cost of its own alone"),
              "How engines start its kernels, a profile in `backends/`"),
      uncertain(kTime, key(&F::launch, "launch", kLaunch, of_backend, kLaunchMeaning)),
      uncertain(kTime, key(&F::eager_launch_factor, "eager_launch_factor", kEagerFactor, of_backend,
                           kEagerMeaning)),
  };
}

void check_launch(ProfileReader& reader, KernelFamily& family) {
  for (const char* name : {"launch", "eager_launch_factor"}) {
    if (reader.has("backend")) {
      const std::string overridden = std::string(": ") + name;
      if (!reader.has(name)) continue;
      std::erase_if(family.facts, [&](const Fact& f) { return f.path.ends_with(overridden); });
    } else if (!reader.has(name)) {
      reader.fault(name, "a number, or the `backend` whose number it is");
    }
  }
}

void take_common(ProfileReader& reader, KernelFamily& family) {
  const auto file = find_profile("families", "generic", &reader.file(), Fault{}, reader.faults());
  if (!file || file->path == reader.file().path) return;
  auto generic = ProfileReader::open(*file, reader.faults());
  if (!generic) return;
  for (const ProfileKey<F>& row : common_keys()) {
    if (!reader.has(row.name())) generic->read(row, family);
  }
  const std::vector<Fact> taken = generic->take_facts();
  family.facts.insert(family.facts.end(), taken.begin(), taken.end());
}

void check_family(ProfileReader& reader, KernelFamily& family) {
  check_launch(reader, family);
  take_common(reader, family);
}

ProfileKeys<F> all_keys() {
  ProfileKeys<F> keys = {
      note<F>("title", "The family in words"),
      by_format(kTime, &F::compute_efficiency, "compute_efficiency", kShare, kRequired,
                "Share of the dense peak that a large GEMM reaches; formats not listed as bf16"),
  };
  const ProfileKeys<F> launch = launch_keys();
  keys.insert(keys.begin() + 1, launch.begin(), launch.end());
  for (const auto& more : {time_keys(), power_keys(), common_keys()}) {
    keys.insert(keys.end(), more.begin(), more.end());
  }
  return keys;
}

}  // namespace

const ProfileKeys<KernelFamily>& family_keys() {
  static const ProfileKeys<F> kKeys = all_keys();
  return kKeys;
}

KernelFamily read_family(const ProfileFile& file, Faults& faults) {
  return read_profile(file, family_keys(), faults, check_family);
}

}  // namespace moesim
