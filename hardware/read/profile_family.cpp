// Kernel families and link technologies: the calibrated constants.
#include "hardware/read/profile_reader.h"

namespace moesim {
namespace {

// One plain number of a family: its key, where it goes, what is allowed. Absent = the struct's
// default where `is_optional`.
struct FamilyNumber {
  const char* key;
  double KernelFamily::*field;
  double min;
  double max;
  bool is_optional = false;
};

constexpr double kTiny = 1e-6;  // Keeps zero out where a zero would divide.

constexpr FamilyNumber kFamilyNumbers[] = {
    {"eager_launch_factor", &KernelFamily::eager_launch_factor, 1, 100},
    {"bandwidth_efficiency", &KernelFamily::bandwidth_efficiency, kTiny, 1},
    {"kv_bandwidth_efficiency", &KernelFamily::kv_bandwidth_efficiency, kTiny, 1},
    {"attention_compute_efficiency", &KernelFamily::attention_compute_efficiency, kTiny, 1},
    {"attention_ramp_tokens", &KernelFamily::attention_ramp_tokens, kTiny, 1e6, true},
    {"expert_compute_efficiency", &KernelFamily::expert_compute_efficiency, kTiny, 2},
    {"expert_rows_lost", &KernelFamily::expert_rows_lost, kTiny, 1e4, true},
    {"sm_bandwidth_share", &KernelFamily::sm_bandwidth_share, kTiny, 1e3, true},
    {"overlap_exponent", &KernelFamily::overlap_exponent, 0.5, 32},
    {"power_busy", &KernelFamily::power_busy, kTiny, 1},
    {"power_hbm", &KernelFamily::power_hbm, kTiny, 10},
    {"power_tensor", &KernelFamily::power_tensor, kTiny, 10},
    {"power_link", &KernelFamily::power_link, kTiny, 10},
    {"power_cap", &KernelFamily::power_cap, kTiny, 1},
    {"power_waiting", &KernelFamily::power_waiting, kTiny, 1},
};

constexpr NumberRule kLatency{Dimension::kTime, 1e-9, 0.1};
constexpr NumberRule kShare{std::nullopt, kTiny, 1};
constexpr NumberRule kRows{std::nullopt, 1, 1024};

}  // namespace

KernelFamily read_family(const ProfileFile& file, Faults& faults) {
  KernelFamily family;
  family.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return family;
  reader->required_text("title", "what the family is, in words");
  family.launch = Seconds(reader->required("launch", kLatency));
  family.compute_efficiency = reader->required_by_dtype("compute_efficiency", kShare);
  if (reader->has("expert_tile_rows")) {
    family.expert_tile_rows = reader->required_by_dtype("expert_tile_rows", kRows);
  }
  for (const FamilyNumber& number : kFamilyNumbers) {
    const NumberRule rule{std::nullopt, number.min, number.max};
    family.*number.field = number.is_optional
                               ? reader->number_or(number.key, family.*number.field, rule)
                               : reader->required(number.key, rule);
  }
  family.facts = reader->finish();
  return family;
}

LinkTechnology read_link(const ProfileFile& file, Faults& faults) {
  LinkTechnology link;
  link.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return link;
  reader->required_text("title", "what the link is, in words");
  link.wiring = reader->required_choice<LinkWiring>("wiring").value_or(LinkWiring::kSwitch);
  link.collective_start = Seconds(reader->required("collective_start", kLatency));
  link.step = Seconds(reader->required("step", kLatency));
  link.ring_efficiency = reader->required("ring_efficiency", kShare);
  link.all_to_all_efficiency = reader->required("all_to_all_efficiency", kShare);
  link.half_size = Bytes(reader->required("half_size", {Dimension::kBytes, 1, 1e12}));
  link.ramp = reader->number_or("ramp", 1, {.min = 0.1, .max = 20});
  if (reader->has("bulk_start")) {
    link.bulk_start = Seconds(reader->required("bulk_start", kLatency));
    link.bulk_size = Bytes(reader->required("bulk_size", {Dimension::kBytes, 1, 1e9}));
  }
  link.in_switch_reduction = reader->has("reduction_efficiency");
  link.reduction_efficiency = reader->number_or("reduction_efficiency", 1, kShare);
  if (reader->has("graph_start")) {
    link.graph_start = Seconds(reader->required("graph_start", kLatency));
    link.graph_doubling = Seconds(reader->required("graph_doubling", kLatency));
    link.graph_efficiency = reader->required("graph_efficiency", kShare);
  }
  link.joules_per_byte = reader->required_energy_per_byte("energy_per_byte");
  link.facts = reader->finish();
  return link;
}

}  // namespace moesim
