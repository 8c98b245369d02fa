// The keys of each kind of profile. Readers, `moesim list profile-keys` and docs/profiles.md loop
// over these rows, so that a new key is one row and the code that uses it.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "hardware/read/profile_reader.h"

namespace moesim {

const ProfileKeys<DeviceSpec>& device_keys();
const ProfileKeys<NodeSpec>& node_keys();
const ProfileKeys<FabricSpec>& fabric_keys();
const ProfileKeys<LinkTechnology>& link_keys();
const ProfileKeys<AllToAllKernels>& all_to_all_keys();
const ProfileKeys<Backend>& backend_keys();
const ProfileKeys<KernelFamily>& family_keys();
const ProfileKeys<SiteSpec>& site_profile_keys();
const ProfileKeys<ModelError>& error_keys();
const ProfileKeys<TableError>& table_error_keys();

// The launch cost of a back end, which a family may state itself.
inline constexpr form::Quantity kLaunch{.max = 0.1, .most = "100 ms", .min = 1e-9};
inline constexpr form::Number kEagerFactor{1, 100};
inline constexpr const char* kLaunchMeaning =
    "Time from one kernel to the next inside a CUDA graph";
inline constexpr const char* kEagerMeaning =
    "Launch cost outside a graph (prompts), over that inside";

// A text that must be there for those who read the file.
template <class T>
ProfileKey<T> note(const std::string& name, const std::string& meaning) {
  ProfileKey<T> row{key(name, form::Text{}, kRequired, meaning), Certainty::kGiven};
  row.take = [name](ProfileReader& reader, T&) { reader.required_text(name, "text expected"); };
  return row;
}

// The name or path of another profile, which `take` reads into the object.
template <class T>
ProfileKey<T> profile(const std::string& name, const std::string& kind,
                      void (*take)(const ProfileFile&, T&, Faults&), Default fallback,
                      const std::string& meaning) {
  ProfileKey<T> row{key(name, form::Name{}, std::move(fallback), meaning), Certainty::kGiven};
  const bool is_required = row.key.facts.required();
  row.take = [=](ProfileReader& reader, T& object) {
    if (!is_required && !reader.has(name)) return;
    if (const auto file = find_reference(reader, name, kind)) take(*file, object, reader.faults());
  };
  return row;
}

// Uncertain numbers by format: {bf16: NUMBER, fp8: NUMBER}.
template <class T, class Number, class Form>
ProfileKey<T> by_format(Enters enters, std::map<Dtype, Number> T::*member, const std::string& name,
                        const Form& each, Default fallback, const std::string& meaning) {
  using Amount = ProfileReader::Amount;
  const form::Map form{{}, "{bf16: NUMBER}", false, {{form::described(each), "a number"}}};
  ProfileKey<T> row{key(name, form, std::move(fallback), meaning), Certainty::kUncertain, enters};
  const bool is_required = row.key.facts.required();
  const ProfileKey<Amount> number =
      uncertain(enters, key(&Amount::si, name, each, kRequired, meaning));
  row.take = [=](ProfileReader& reader, T& object) {
    if (!is_required && !reader.has(name)) return;
    for (const auto& [dtype, value] : reader.by_format(number)) {
      (object.*member)[dtype] = Number(value);
    }
  };
  return row;
}

// Reads a profile by its keys, in their order; `check` then looks at what several of them say
// together. Faults go into `faults`; a file that cannot be read gives an empty object.
template <class T>
T read_profile(const ProfileFile& file, const ProfileKeys<T>& keys, Faults& faults,
               void (*check)(ProfileReader&, T&) = nullptr) {
  T object;
  if constexpr (requires { object.name; }) object.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return object;
  reader->read(keys, object);
  if (check != nullptr) check(*reader, object);
  const std::vector<Fact> facts = reader->finish();
  object.facts.insert(object.facts.begin(), facts.begin(), facts.end());
  return object;
}

}  // namespace moesim
