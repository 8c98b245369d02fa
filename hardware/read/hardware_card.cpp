#include "hardware/read/hardware_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "hardware/read/profile_reader.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

// Kinds in the order of search, each with a key that only its files have.
struct Kind {
  const char* name;
  const char* own_key;
};
constexpr std::array<Kind, 7> kKinds = {{{"devices", "peak"},
                                         {"nodes", "device"},
                                         {"fabrics", "kind"},
                                         {"sites", "pue"},
                                         {"links", "wiring"},
                                         {"families", "compute_efficiency"},
                                         {"backends", "launch"}}};

void append(std::vector<Fact>& facts, const std::vector<Fact>& more) {
  facts.insert(facts.end(), more.begin(), more.end());
}

std::vector<Fact> facts_of_device(const DeviceSpec& device) {
  std::vector<Fact> facts = device.facts;
  append(facts, device.family.facts);
  append(facts, device.link_technology.facts);
  return facts;
}

std::vector<Fact> facts_of_node(const NodeSpec& node) {
  std::vector<Fact> facts = node.facts;
  append(facts, facts_of_device(node.device));
  append(facts, node.nic_technology.facts);
  return facts;
}

std::vector<Fact> facts_of(const ProfileFile& file, Faults& faults) {
  if (file.kind == "devices") return facts_of_device(read_device(file, faults));
  if (file.kind == "nodes") return facts_of_node(read_node(file, faults));
  if (file.kind == "fabrics") return read_fabric(file, faults).facts;
  if (file.kind == "sites") return read_site(file, faults).facts;
  if (file.kind == "links") return read_link(file, faults).facts;
  if (file.kind == "backends") return read_backend(file, faults).facts;
  return read_family(file, faults).facts;
}

// The kind by a key that only its files have; "devices" when none fits, so that its faults are
// listed.
std::string kind_of_file(const std::string& path) {
  const YAML::Node root = parse_document(read_file(path), path);
  for (const Kind& kind : kKinds) {
    if (root.IsMap() && root[kind.own_key].IsDefined()) return kind.name;
  }
  return kKinds.front().name;
}

std::string kind_of_name(const std::string& name) {
  std::vector<std::string> all;
  for (const Kind& kind : kKinds) {
    const std::vector<std::string> names = profile_names(kind.name);
    if (std::find(names.begin(), names.end(), name) != names.end()) return kind.name;
    all.insert(all.end(), names.begin(), names.end());
  }
  throw InputError(
      {{"", 0, "", name,
        "no such hardware profile; " + expected_name(name, all, "see moesim list hardware")}});
}

}  // namespace

HardwareCard load_hardware_card(const std::string& name_or_path) {
  const std::string kind =
      is_profile_path(name_or_path) ? kind_of_file(name_or_path) : kind_of_name(name_or_path);
  Faults faults;
  const auto file = find_profile(kind, name_or_path, nullptr, Fault{}, faults);
  faults.throw_if_any();
  HardwareCard card{kind, file->name, "", facts_of(*file, faults)};
  faults.throw_if_any();
  card.title = parse_document(read_file(file->path), file->path)["title"].Scalar();
  return card;
}

std::string hardware_card_text(const HardwareCard& card) {
  constexpr std::string_view kBetween = ": ";
  std::string out = fmt::format("{} ({}/{})\n", card.title, card.kind, card.name);
  std::string profile;
  for (const Fact& fact : card.facts) {
    const std::size_t end = fact.path.find(kBetween);
    const std::string owner = fact.path.substr(0, end);
    const std::string key = fact.path.substr(end + kBetween.size());
    if (owner != profile) out += "\n" + owner + "\n";
    profile = owner;
    fmt::format_to(std::back_inserter(out), "  {:<30} {:>16}  {:<11} {}\n", key, fact.text,
                   fact.confidence, fact.source);
  }
  return out;
}

}  // namespace moesim
