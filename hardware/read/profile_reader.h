// Reads one hardware profile: every number is a map {value, source, confidence}, and each one read
// is kept as a Fact. Used by the profile_*.cpp files, and by sim/deployment/serving_policy.cpp for
// engines; others call hardware/read/profiles.h.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/document.h"
#include "hardware/read/profile_keys.h"
#include "hardware/spec/device.h"
#include "hardware/spec/variation.h"

namespace moesim {

// A profile file that was found: its kind, its name and its path.
struct ProfileFile {
  std::string kind;  // "devices", "nodes", "fabrics", "sites", "links", "families", "backends".
  std::string name;
  std::string path;
  Variation variation = {};  // The sample of its numbers and of those that it refers to.
};

class ProfileReader {
 public:
  // Nothing if the file cannot be read or parsed; the faults say why.
  static std::optional<ProfileReader> open(const ProfileFile& file, Faults& faults);

  // One map inside a file of several; shares its faults and its name.
  static ProfileReader part(const ProfileFile& file, const Value& map) {
    return ProfileReader(file, map);
  }

  // Reads the key of a row into its member, which stays as it is after a fault and where the key is
  // left out. Absence is a fault if the row has no default. A row that does not apply is skipped.
  template <class T>
  void read(const ProfileKey<T>& row, T& object);
  // The same whatever the row says of its absence.
  template <class T>
  void read_required(const ProfileKey<T>& row, T& object);
  template <class T>
  void read_optional(const ProfileKey<T>& row, T& object);
  template <class T>
  void read(const ProfileKeys<T>& rows, T& object) {
    for (const ProfileKey<T>& row : rows) read(row, object);
  }

  // Numbers by format, in SI: {bf16: NUMBER, fp8: NUMBER}. One of 16 bits must be among them.
  struct Amount {
    double si = 0;
  };
  std::map<Dtype, double> by_format(const ProfileKey<Amount>& each);

  // The value of a key as it stands; nothing, and a fault that says what is allowed, if it is
  // absent.
  std::optional<Value> required_value(const std::string& key, const std::string& allowed) {
    return map_.required(key, allowed);
  }
  std::optional<Value> optional_value(const std::string& key) { return map_.optional(key); }
  std::string required_text(const std::string& key, const std::string& allowed);
  // A list of texts; empty if the key is absent.
  std::vector<std::string> texts_or_none(const std::string& key);
  // Date given with a price read before, e.g. "2026-05".
  const std::string& date_of(const std::string& key) const;
  bool has(const std::string& key) const { return map_.has(key); }

  // Adds a fault about a key, e.g. when two numbers contradict each other.
  void fault(const std::string& key, const std::string& allowed);
  // Hands out the facts read so far.
  std::vector<Fact> take_facts() { return std::exchange(facts_, {}); }
  // Refuses unknown keys and hands out all facts read.
  std::vector<Fact> finish();

  const ProfileFile& file() const { return file_; }
  Faults& faults() const { return map_.value().faults(); }
  int line_of(const std::string& key) const;

 private:
  ProfileReader(const ProfileFile& file, Value root);
  // A number as it is written: the amount, how sure it is, and within which bounds.
  struct Number {
    Value amount;
    std::string confidence;
    std::optional<Value> range;
  };

  std::string path_of(const Value& value) const;
  // A number of another value than `value` itself, e.g. an end of its range.
  using ReadAmount = std::function<std::optional<double>(const Value& amount)>;

  // The form of a value, for messages.
  static const char* number_form();
  template <class T>
  void read_value(const ProfileKey<T>& row, const Value& value, T& object);
  // 1 for yes; yes and no are words here.
  static std::optional<double> read_flag(const Value& amount);
  // As stated or drawn, by the variation of the file.
  double drawn(const Value& value, const Number& number, double stated, NumberRange bounds,
               const ReadAmount& amount) const;
  std::optional<Number> open_number(const Value& value, Certainty certainty, Enters enters);
  static NumberRange range_of(const Number& number, double stated, NumberRange bounds,
                              const ReadAmount& amount);

  ProfileFile file_;
  MapReader map_;
  std::vector<Fact> facts_;
  std::map<std::string, std::string> dates_;
};

template <class T>
void ProfileReader::read(const ProfileKey<T>& row, T& object) {
  if (!row.with.empty() && !has(row.with)) return;
  if (row.where && !row.where(object)) return;
  if (row.take) {
    row.take(*this, object);
    return;
  }
  row.key.facts.required() ? read_required(row, object) : read_optional(row, object);
}

template <class T>
void ProfileReader::read_required(const ProfileKey<T>& row, T& object) {
  const bool bare = row.certainty == Certainty::kGiven;
  const auto value =
      map_.required(row.name(), bare ? form::allowed_text(row.key.facts.form) : number_form());
  if (value) read_value(row, *value, object);
}

template <class T>
void ProfileReader::read_optional(const ProfileKey<T>& row, T& object) {
  const auto value = map_.optional(row.name());
  if (value) read_value(row, *value, object);
}

template <class T>
void ProfileReader::read_value(const ProfileKey<T>& row, const Value& value, T& object) {
  const auto& member = *row.key.member;
  if (row.certainty == Certainty::kGiven) {
    member.read(value, object);
    return;
  }
  const auto number = open_number(value, row.certainty, row.enters);
  if (!number) return;
  if (std::holds_alternative<form::Flag>(row.key.facts.form)) {
    if (const auto flag = read_flag(number->amount)) member.set(object, *flag);
    return;
  }
  if (row.certainty == Certainty::kSetting) {
    member.read(number->amount, object);
    return;
  }
  const auto amount = [&member](const Value& text) { return member.number(text); };
  const auto stated = amount(number->amount);
  if (!stated) return;
  const form::Number bounds = form::bounds_of(row.key.facts.form).value();
  member.set(object, drawn(value, *number, *stated, {bounds.min, bounds.max}, amount));
}

// True if the text names a file (contains '/' or ends in ".yaml") and no shipped profile.
bool is_profile_path(const std::string& text);

// A profile by shipped name or by path. `beside` is the file that refers to it: its folder is
// searched first if it is a user's. Adds a fault at `where` if there is none.
std::optional<ProfileFile> find_profile(const std::string& kind, const std::string& name_or_path,
                                        const ProfileFile* beside, Fault where, Faults& faults);
// The profile that `key` of `reader` names.
std::optional<ProfileFile> find_reference(ProfileReader& reader, const std::string& key,
                                          const std::string& kind);

// Each reads one kind of profile with all that it refers to; faults go into `faults`.
Backend read_backend(const ProfileFile& file, Faults& faults);
KernelFamily read_family(const ProfileFile& file, Faults& faults);
LinkTechnology read_link(const ProfileFile& file, Faults& faults);
DeviceSpec read_device(const ProfileFile& file, Faults& faults);
NodeSpec read_node(const ProfileFile& file, Faults& faults);
FabricSpec read_fabric(const ProfileFile& file, Faults& faults);
SiteSpec read_site(const ProfileFile& file, Faults& faults);
ModelError read_model_error(const ProfileFile& file, Faults& faults);
AllToAllKernels read_all_to_all(const ProfileFile& file, Faults& faults);
TableError read_table_error(const ProfileFile& file, Faults& faults);

}  // namespace moesim
