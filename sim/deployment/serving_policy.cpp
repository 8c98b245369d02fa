#include "sim/deployment/serving_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/data_folder.h"
#include "hardware/read/profile_reader.h"
#include "sim/deployment/engine_keys.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFolder = "sim/engines";

// The leading numbers of a release: "1.2.0rc6.post3" is {1, 2, 0}, "v0.6.x" is {0, 6}.
std::vector<int> version_of(std::string_view text) {
  if (text.starts_with('v') || text.starts_with('V')) text.remove_prefix(1);
  std::vector<int> numbers;
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    int number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 0) break;
    numbers.push_back(number);
    if (next == end || *next != '.') break;
    at = next + 1;
  }
  return numbers;
}

// "2025-04"
bool is_month(std::string_view text) {
  if (text.size() != 7 || !text.starts_with("20") || text[4] != '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

std::string ranges_of(const EngineProfile& engine) {
  std::vector<std::string> ranges;
  for (const ServingRelease& release : engine.releases) {
    ranges.push_back(fmt::format("{} (from {})", release.from, release.since));
  }
  return comma_list(ranges);
}

void erase_fact(std::vector<Fact>& facts, const std::string& key) {
  std::erase_if(facts, [&](const Fact& fact) { return fact.path.ends_with("." + key); });
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
    if (!release.from.empty() && version_of(release.from).empty()) {
      reader.fault("from", "a release such as \"0.8\"");
    }
    if (!release.since.empty() && !is_month(release.since)) {
      reader.fault("since", "a month such as \"2025-03\"");
    }
    if (!is_first && version_of(release.from) <= version_of(engine.releases.back().from)) {
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
  const auto releases = root->required_value("releases", "a list of ranges, oldest first");
  root->finish();
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

}  // namespace

void ServingPolicy::forget(const std::string& key) {
  erase_fact(facts, key);
  erase_fact(facts, "small_" + key);
}

double sampling_bytes(const ServingPolicy& policy, Sampling sampling) {
  switch (sampling) {
    case Sampling::kGreedy:
      return policy.greedy_sampling;
    case Sampling::kRandom:
      return policy.random_sampling;
    case Sampling::kTopP:
      return policy.top_p_sampling;
  }
  return policy.greedy_sampling;
}

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

const ServingRelease& release_of(const EngineProfile& engine, const std::string& release) {
  if (release.empty()) return engine.releases.back();
  const bool month = is_month(release);
  const std::vector<int> version = version_of(release);
  const ServingRelease* found = nullptr;
  for (const ServingRelease& range : engine.releases) {
    const bool begun = month ? range.since <= release : version_of(range.from) <= version;
    if (begun) found = &range;
  }
  if (found == nullptr || (!month && version.empty())) {
    throw InputError({{"", 0, "", release,
                       fmt::format("no release of {}; allowed: a release or a month in one of its "
                                   "ranges: {}",
                                   engine.name, ranges_of(engine))}});
  }
  return *found;
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
