#include "sim/deployment/serving_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/data_folder.h"
#include "hardware/read/profile_reader.h"

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

// A number of a range: its key, where it goes, what is allowed.
struct ReleaseNumber {
  const char* key;
  void (*set)(ServingRelease&, double);
  NumberRule rule;
  bool is_optional = false;  // The policy's own default where no range says it.
};

constexpr double kMostCount = 1 << 20;
constexpr NumberRule kCount{.min = 1, .max = kMostCount, .exact = true};
constexpr NumberRule kFactor{std::nullopt, 0.01, 100};
constexpr NumberRule kHostTime{Dimension::kTime, 0, 60};
constexpr NumberRule kTraffic{Dimension::kBytes, 0, 1e5};
constexpr NumberRule kMemory{Dimension::kBytes, 0, 1e13};

using Release = ServingRelease;
std::int64_t whole(double value) {
  return static_cast<std::int64_t>(value);
}

const ReleaseNumber kNumbers[] = {
    {"memory_utilization",
     [](Release& r, double v) { r.policy.memory.memory_utilization = v; },
     {.min = 0.1, .max = 1, .exact = true}},
    {"max_num_seqs", [](Release& r, double v) { r.policy.memory.max_num_seqs = whole(v); }, kCount},
    {"max_batched_tokens",
     [](Release& r, double v) { r.policy.memory.max_batched_tokens = whole(v); }, kCount},
    {"large_device",
     [](Release& r, double v) { r.large_device = Bytes(v); },
     {.dimension = Dimension::kBytes, .max = 1e13, .exact = true}},
    {"small_max_num_seqs", [](Release& r, double v) { r.small_max_num_seqs = whole(v); }, kCount},
    {"small_max_batched_tokens",
     [](Release& r, double v) { r.small_max_batched_tokens = whole(v); }, kCount},
    {"kv_block_tokens",
     [](Release& r, double v) { r.policy.memory.kv_block_tokens = whole(v); },
     {.min = 1, .max = 4096, .exact = true}},
    {"reserved_output",
     [](Release& r, double v) { r.policy.reserved_output = v; },
     {.max = 1, .exact = true}},
    {"admission_interval",
     [](Release& r, double v) { r.policy.admission_interval = whole(v); },
     {.min = 1, .max = 10000, .exact = true}},
    {"sampler_bytes_per_logit",
     [](Release& r, double v) { r.policy.memory.sampler_bytes_per_logit = v; },
     {std::nullopt, 0, 1000}},
    {"context_memory", [](Release& r, double v) { r.policy.memory.context = Bytes(v); }, kMemory},
    {"communicator_memory", [](Release& r, double v) { r.policy.memory.communicators = Bytes(v); },
     kMemory},
    {"expert_alignment",
     [](Release& r, double v) { r.policy.expert_alignment = whole(v); },
     {.max = 4096, .exact = true},
     true},
    {"dispatch_sms",
     [](Release& r, double v) { r.policy.dispatch_sms = v; },
     {.max = 1024, .exact = true},
     true},
    {"random_sampling", [](Release& r, double v) { r.policy.random_sampling = v; }, kTraffic, true},
    {"top_p_sampling", [](Release& r, double v) { r.policy.top_p_sampling = v; }, kTraffic, true},
    {"launch_factor", [](Release& r, double v) { r.policy.launch_factor = v; }, kFactor},
    {"eager_factor", [](Release& r, double v) { r.policy.eager_factor = v; }, kFactor},
    {"expert_factor", [](Release& r, double v) { r.policy.expert_factor = v; }, kFactor},
    {"step_time", [](Release& r, double v) { r.policy.step_overhead = Seconds(v); }, kHostTime},
    {"sequence_time", [](Release& r, double v) { r.policy.sequence_overhead = Seconds(v); },
     kHostTime},
    {"request_time", [](Release& r, double v) { r.policy.request_overhead = Seconds(v); },
     kHostTime},
};

void erase_fact(std::vector<Fact>& facts, const std::string& key) {
  std::erase_if(facts, [&](const Fact& fact) { return fact.path.ends_with("." + key); });
}

const std::vector<std::string> kYesNo = {"no", "yes"};

// Reads one range. A number that a later range leaves out stays as in the range before.
struct ReleaseReader {
  ProfileReader reader;
  ServingRelease release;
  bool is_first;

  bool stated(const char* key) const { return is_first || reader.has(key); }

  template <class T>
  void read_word(const char* key, T& word) {
    if (stated(key))
      word = from_word<T>(words_of<T>()[reader.required_word(key, words_of<T>())]).value();
  }

  void read_flag(const char* key, bool& flag) { flag = reader.required_word(key, kYesNo) == 1; }

  // The policy's own default where no range says it.
  void read_optional_flag(const char* key, bool& flag) {
    if (reader.has(key)) read_flag(key, flag);
  }

  void read_words() {
    ServingPolicy& policy = release.policy;
    read_word("batching", policy.batching);
    read_word("pool", policy.memory.pool);
    if (stated("chunked_prompts")) read_flag("chunked_prompts", policy.chunked_prompts);
    if (stated("overlaps_host")) read_flag("overlaps_host", policy.overlaps_host);
    read_optional_flag("cuda_graphs", policy.cuda_graphs);
    read_optional_flag("two_batch_overlap", policy.overlaps_batches);
    read_optional_flag("shared_expert_overlap", policy.overlaps_shared_experts);
    read_optional_flag("all_reduce_overlap", policy.overlaps_all_reduce);
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
    read_words();
    for (const ReleaseNumber& number : kNumbers) {
      const bool expected = number.is_optional ? reader.has(number.key) : stated(number.key);
      if (expected) number.set(release, reader.required(number.key, number.rule));
    }
    add_facts(reader.finish());
  }
};

EngineProfile read_engine(const ProfileFile& file, const std::string& known_as, Faults& faults) {
  EngineProfile engine;
  engine.name = known_as;
  auto root = ProfileReader::open(file, faults);
  if (!root) return engine;
  root->required_text("title", "what the engine is, in words");
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
      return kGreedySamplingBytes;
    case Sampling::kRandom:
      return policy.random_sampling;
    case Sampling::kTopP:
      return policy.top_p_sampling;
  }
  return kGreedySamplingBytes;
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
  const bool large = device_memory >= release.large_device;
  if (!large) {
    policy.memory.max_num_seqs = release.small_max_num_seqs;
    policy.memory.max_batched_tokens = release.small_max_batched_tokens;
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
