#include "sim/deployment/engine_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/data_folder.h"
#include "hardware/read/profile_reader.h"
#include "sim/deployment/engine_keys.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFolder = "sim/engines";

using Number = ReleaseNumber;

void erase_fact(std::vector<Fact>& facts, const std::string& key) {
  std::erase_if(facts, [&](const Fact& fact) { return fact.path.ends_with("." + key); });
}

constexpr const char* kMonthForm = "a month such as \"2025-03\"";

std::vector<KnownRelease> read_known(const ProfileFile& file, const Value& list) {
  std::vector<KnownRelease> known;
  for (const Value& item : list.items()) {
    ProfileReader entry = ProfileReader::part(file, item);
    KnownRelease release;
    release.release = entry.required_text("release", "a release, e.g. \"0.8\"");
    release.month = entry.required_text("month", "the month of its first release");
    if (const auto patches = entry.optional_value("patches")) {
      if (const auto last = patches->integer(0, 1000)) release.last_patch = static_cast<int>(*last);
    }
    if (!release.month.empty() && !is_month(release.month)) entry.fault("month", kMonthForm);
    const bool in_order =
        known.empty() || (Number::of(known.back().release) < Number::of(release.release) &&
                          known.back().month <= release.month);
    if (!in_order) entry.fault("release", "releases in order, oldest first");
    entry.finish();
    known.push_back(std::move(release));
  }
  return known;
}

Evidence read_evidence(const ProfileFile& file, const Value& map) {
  ProfileReader reader = ProfileReader::part(file, map);
  Evidence evidence;
  evidence.from = reader.required_text("from", "the first release that was measured");
  evidence.to = reader.required_text("to", "the last release that was measured");
  reader.required_text("of", "the measurements on which the constants rest");
  const bool in_order =
      !Number::of(evidence.from).empty() && Number::of(evidence.from) <= Number::of(evidence.to);
  if (!in_order) reader.fault("to", "releases such as \"0.8\", `from` no later than `to`");
  reader.read(evidence_keys(), evidence);
  evidence.facts = reader.finish();
  return evidence;
}

// Reads one range. A number that a later range leaves out stays as in the range before.
struct ReleaseReader {
  ProfileReader reader;
  ServingRelease release;
  bool is_first;

  // Words and flags, then numbers: the order of the facts.
  void read_keys() {
    for (const bool numbers : {false, true}) {
      for (const EngineKey& key : engine_keys()) {
        if (key.is_number() != numbers) continue;
        const bool required = is_first && key.file == EngineFile::kStates;
        required ? reader.read_required(key.row, release.policy)
                 : reader.read_optional(key.row, release.policy);
      }
    }
  }

  void add_facts(std::vector<Fact> stated_here) {
    for (Fact& fact : stated_here) {
      erase_fact(release.policy.facts, fact.path.substr(fact.path.rfind('.') + 1));
      release.policy.facts.push_back(std::move(fact));
    }
  }

  void read(const EngineProfile& engine) {
    release.from = reader.required_text("from", "the first release of the range, e.g. \"0.8\"");
    release.since = reader.required_text("since", "the month of that release, e.g. \"2025-03\"");
    if (!release.from.empty() && Number::of(release.from).empty()) {
      reader.fault("from", "a release such as \"0.8\"");
    }
    if (!release.since.empty() && !is_month(release.since)) reader.fault("since", kMonthForm);
    if (!is_first && Number::of(release.from) <= Number::of(engine.releases.back().from)) {
      reader.fault("from", "a release after that of the range before");
    }
    if (!is_first && release.since < engine.releases.back().since) {
      reader.fault("since", "no month before that of the range before");
    }
    release.policy.engine = engine.name;
    release.policy.release = release.from;
    read_keys();
    add_facts(reader.finish());
  }
};

EngineProfile read_engine(const ProfileFile& file, const std::string& known_as, Faults& faults) {
  EngineProfile engine;
  engine.name = known_as;
  auto root = ProfileReader::open(file, faults);
  if (!root) return engine;
  root->required_text("title", "the name of the engine, for reports");
  const auto known = root->optional_value("known");
  const auto evidence = known ? root->required_value("evidence", "as `known` is here, also a map")
                              : root->optional_value("evidence");
  const auto releases = root->required_value("releases", "a list of ranges, oldest first");
  root->finish();
  if (known) engine.known = read_known(file, *known);
  if (evidence) engine.evidence = read_evidence(file, *evidence);
  if (!releases) return engine;
  for (const Value& item : releases->items()) {
    const bool is_first = engine.releases.empty();
    ReleaseReader range{ProfileReader::part(file, item),
                        is_first ? ServingRelease{} : engine.releases.back(), is_first};
    range.read(engine);
    engine.releases.push_back(std::move(range.release));
  }
  if (releases->is_list() && engine.releases.empty()) releases->fault("at least one range");
  return engine;
}

// How a release that somebody asks for stands to the profile.
struct AskedRelease {
  const EngineProfile& engine;
  std::string text;
  bool by_month = is_month(text);
  Number number = Number::of(text);

  [[noreturn]] void refuse(const std::string& why, const std::string& allowed) const {
    throw InputError({{"", 0, "", text, why + "; allowed: " + allowed}});
  }

  std::string ranges() const {
    std::vector<std::string> ranges;
    for (const ServingRelease& release : engine.releases) {
      ranges.push_back(fmt::format("{} (from {})", release.from, release.since));
    }
    return "a release or a month in one of the ranges " + comma_list(ranges);
  }

  std::string known_releases() const {
    std::vector<std::string> names;
    for (const KnownRelease& known : engine.known) {
      names.push_back(known.release);
      if (known.last_patch.value_or(0) > 0) {
        names.back() += fmt::format(" to {}.{}", known.release, *known.last_patch);
      }
    }
    return comma_list(names);
  }

  void refuse_what_does_not_exist() const {
    if (looks_like_month(text) && !by_month) refuse("no such month", "a month such as 2025-04");
    if (!by_month && number.empty()) refuse("no release of " + engine.name, ranges());
    if (by_month || engine.known.empty() || is_newer_than_known() || exists()) return;
    refuse(fmt::format("there is no release {} of {}", text, engine.name),
           known_releases() + ", or a month such as 2025-04");
  }

  bool exists() const {
    return std::any_of(engine.known.begin(), engine.known.end(), [&](const KnownRelease& known) {
      const Number of = Number::of(known.release);
      if (of.is_part_of(number)) return true;
      if (!number.is_part_of(of)) return false;
      return !known.last_patch || number.parts.size() <= of.parts.size() ||
             number.parts[of.parts.size()] <= *known.last_patch;
    });
  }

  // With the major number of the newest release: 1.0 may be anything.
  bool is_newer_than_known() const {
    if (engine.known.empty()) return false;
    const KnownRelease& newest = engine.known.back();
    if (by_month) return text > newest.month;
    const Number last = Number::of(newest.release);
    return last.before(number) && last.parts.front() == number.parts.front();
  }

  // The known release that is the newest of its month.
  Number known_number() const {
    if (!by_month) return number;
    Number found;
    for (const KnownRelease& known : engine.known) {
      if (known.month <= text) found = Number::of(known.release);
    }
    return found;
  }

  const ServingRelease& range() const {
    const ServingRelease* found = nullptr;
    for (const ServingRelease& range : engine.releases) {
      const bool begun = by_month ? range.since <= text : !number.before(Number::of(range.from));
      if (begun) found = &range;
    }
    if (found == nullptr) refuse("no release of " + engine.name, ranges());
    return *found;
  }

  // The key of the evidence's factor; empty inside the evidence.
  std::string side_of_evidence() const {
    const Evidence& evidence = engine.evidence;
    if (!evidence.stated()) return "";
    const Number asked = known_number();
    if (asked.before(Number::of(evidence.from))) return "older";
    return is_newer_than_known() || Number::of(evidence.to).before(asked) ? "newer" : "";
  }

  std::string caution(const ServingRelease& range) const {
    const std::string name = fs::path(engine.name).stem().string();
    const std::string wider = "the ranges of its times are wider.";
    if (is_newer_than_known()) {
      return fmt::format(
          "{} {} is newer than {}, the newest release that its profile knows: it is "
          "computed like {} and later, and {}",
          name, text, engine.known.back().release, range.from, wider);
    }
    return fmt::format(
        "{} {} is computed like {} and later, but its constants rest on "
        "measurements of releases {} to {}: {}",
        name, text, range.from, engine.evidence.from, engine.evidence.to, wider);
  }
};

void leave_evidence(const Evidence& evidence, const std::string& side, ServingPolicy& policy) {
  const double factor = side == "older" ? evidence.older : evidence.newer;
  policy.launch_factor *= factor;
  policy.expert_factor /= factor;
  policy.step_time = factor * policy.step_time;
  policy.sequence_time = factor * policy.sequence_time;
  policy.request_time = factor * policy.request_time;
  for (const Fact& fact : evidence.facts) {
    if (fact.path.ends_with("." + side)) policy.facts.push_back(fact);
  }
}

}  // namespace

std::vector<std::string> engine_names() {
  return file_stems(data_folder(kFolder), ".yaml");
}

EngineWords engine_words(const std::string& text) {
  const std::size_t space = text.rfind(' ');
  std::error_code error;
  if (space == std::string::npos || fs::is_regular_file(text, error)) return {text, ""};
  return {text.substr(0, space), text.substr(space + 1)};
}

EngineProfile load_engine(const std::string& name_or_path, const Variation& variation) {
  Faults faults;
  std::string path = name_or_path;
  if (!is_profile_path(name_or_path)) {
    const std::vector<std::string> names = engine_names();
    if (std::find(names.begin(), names.end(), name_or_path) == names.end()) {
      const std::string near = did_you_mean(name_or_path, names);
      throw InputError(
          {{"", 0, "", name_or_path,
            "unknown serving engine; " + (near.empty() ? "" : "did you mean " + near + "? ") +
                "shipped: " + comma_list(names)}});
    }
    path = data_folder(kFolder) + "/" + name_or_path + ".yaml";
  }
  EngineProfile engine = read_engine({"engines", fs::path(path).stem().string(), path, variation},
                                     name_or_path, faults);
  faults.throw_if_any();
  return engine;
}

ServingRelease release_of(const EngineProfile& engine, const std::string& release) {
  const Evidence& evidence = engine.evidence;
  if (release.empty()) {
    return evidence.stated() ? release_of(engine, evidence.to) : engine.releases.back();
  }
  const AskedRelease asked{engine, release};
  asked.refuse_what_does_not_exist();
  ServingRelease range = asked.range();
  const std::string side = asked.side_of_evidence();
  if (!side.empty()) {
    range.policy.caution = asked.caution(range);
    leave_evidence(evidence, side, range.policy);
  }
  // Where the range's first release would read otherwise, its policy names the one that was asked.
  const bool reads_alike =
      side.empty() && AskedRelease{engine, range.from}.side_of_evidence().empty();
  if (!reads_alike) range.policy.release = release;
  return range;
}

ServingPolicy serving_policy(const ServingRelease& release, Bytes device_memory) {
  ServingPolicy policy = release.policy;
  const bool large = device_memory >= policy.large_device;
  if (!large) {
    policy.memory.max_num_seqs = policy.small_max_num_seqs;
    policy.memory.max_batched_tokens = policy.small_max_batched_tokens;
    erase_fact(policy.facts, "max_num_seqs");
    erase_fact(policy.facts, "max_batched_tokens");
  } else {
    erase_fact(policy.facts, "small_max_num_seqs");
    erase_fact(policy.facts, "small_max_batched_tokens");
  }
  return policy;
}

ServingPolicy serving_policy(const std::string& engine, Bytes device_memory) {
  const EngineWords words = engine_words(engine);
  const EngineProfile profile = load_engine(words.engine);
  return serving_policy(release_of(profile, words.release), device_memory);
}

}  // namespace moesim
