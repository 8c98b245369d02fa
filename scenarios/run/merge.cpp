#include "scenarios/run/merge.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/input_error.h"
#include "scenarios/cases/row_key.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

// Entries of `meta` that all shards of a sweep have in common.
constexpr const char* kShared[] = {"program", "file", "text", "settings", "draws"};

std::vector<Setting> settings_from(const std::string& text) {
  std::vector<Setting> settings;
  for (const auto& pair : nlohmann::json::parse(text)) settings.push_back({pair[0], pair[1]});
  return settings;
}

void check_same_sweep(const std::string& file, SweepDatabase& shard, SweepDatabase& first,
                      Faults& faults) {
  if (shard.meta("program") != program_fingerprint()) {
    faults.add({file, 0, "", "written by another build of moesim (" + shard.meta("version") + ")",
                "databases of this build: run the shards again"});
    return;
  }
  for (const char* name : kShared) {
    if (shard.meta(name) == first.meta(name)) continue;
    faults.add({file, 0, "", fmt::format("another {} than in the first database", name),
                "shards of one sweep"});
    return;
  }
}

}  // namespace

MergedSweep merge_databases(const std::vector<std::string>& files, SweepDatabase& database) {
  Faults faults;
  std::vector<SweepDatabase> shards;
  for (const std::string& file : files) {
    if (!fs::is_regular_file(file)) {
      faults.add({file, 0, "", "", "no such file"});
      continue;
    }
    shards.emplace_back(SweepDatabase::at(file));
    check_same_sweep(file, shards.back(), shards.front(), faults);
  }
  faults.throw_if_any();
  for (SweepDatabase& shard : shards) database.import(shard);
  SweepDatabase& first = shards.front();
  MergedSweep merged;
  ReadOptions options;
  options.most_points = std::numeric_limits<std::int64_t>::max();
  options.most_whole = kMostWholePoints;
  merged.scenario = read_scenario_text(first.meta("text"), first.meta("file"),
                                       settings_from(first.meta("settings")), options);
  merged.samples = std::stoll(first.meta("draws"));
  return merged;
}

void refuse_missing(const std::vector<Job>& missing) {
  if (missing.empty()) return;
  throw InputError({{"", 0, "merge", fmt::format("{} results are missing", missing.size()),
                     "the databases of all shards, each run to its end; what there is has been "
                     "taken over"}});
}

}  // namespace moesim
