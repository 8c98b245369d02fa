#include "scenarios/cli/commands/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <set>
#include <thread>

#include "base/document.h"
#include "base/input_error.h"
#include "reports/render/write_report.h"
#include "scenarios/cases/scenario.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/run/database.h"
#include "scenarios/run/output_folder.h"
#include "scenarios/run/progress_bar.h"
#include "scenarios/run/ranks/share_out.h"
#include "scenarios/run/remove_database.h"
#include "scenarios/run/run.h"
#include "scenarios/run/size_question.h"
#include "scenarios/run/write_trace.h"

namespace moesim {
namespace {

// --shard 2/8.
Shard shard_of(const RunArguments& arguments) {
  const std::string& text = arguments.shard;
  Shard shard;
  if (text.empty()) return shard;
  const char* end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool has_slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto of = has_slash ? std::from_chars(index.ptr + 1, end, shard.of) : index;
  if (!has_slash || of.ec != std::errc() || of.ptr != end || shard.of < 1 || shard.index < 1 ||
      shard.index > shard.of) {
    throw InputError({{"--shard", 0, "", text, "i/n expected, from 1/n to n/n, e.g. 2/8"}});
  }
  return shard;
}

// out/NAME unless --out is given; with several files each gets a folder of its own below it, and
// below that each shard.
std::string out_folder(const RunArguments& arguments, const std::string& file) {
  const std::string stem = std::filesystem::path(file).stem().string();
  const bool is_named = arguments.files.size() == 1 && !arguments.out.empty();
  if (!is_named && (stem == "." || stem == "..")) {
    throw InputError(
        {{file, 0, "", "", "a file name that can name a folder; or choose --out DIR"}});
  }
  std::string folder = arguments.out.empty()         ? "out/" + stem
                       : arguments.files.size() == 1 ? arguments.out
                                                     : arguments.out + "/" + stem;
  const Shard shard = shard_of(arguments);
  if (!arguments.shard.empty()) folder += fmt::format("/shard-{}-of-{}", shard.index, shard.of);
  return folder;
}

// Intervals by default where every case is looked at by itself; a large sweep has none unless
// asked.
std::int64_t samples_of(const RunArguments& arguments, const Scenario& scenario) {
  constexpr std::int64_t kSamples = 10;
  return arguments.samples.value_or(scenario.rows.size() <= kMostDetailedCases ? kSamples : 0);
}

// Each rank of an MPI job has a core by default.
int jobs_of(const RunArguments& arguments, const Ranks* ranks) {
  if (ranks != nullptr && !arguments.jobs) return 1;
  return static_cast<int>(
      arguments.jobs.value_or(std::max(1u, std::thread::hardware_concurrency())));
}

int cores_of(const RunArguments& arguments, const Ranks* ranks) {
  return jobs_of(arguments, ranks) * (ranks != nullptr ? ranks->size() : 1);
}

bool is_sweep(const Scenario& scenario) {
  return !scenario.rows.front().key.empty();
}

// Of a shard there is no report: its database waits for the others'.
int tell_of_shard(const RunArguments& arguments, const Report& report, const std::string& folder) {
  if (!arguments.output.quiet) {
    const std::string all = folder.substr(0, folder.rfind('/'));
    std::cout << fmt::format(
        "Shard {} is {} in {}/{}; when all are there: moesim merge {}/shard-*/{} --out {}\n",
        arguments.shard, report.interrupted ? "interrupted" : "done", folder, kDatabaseFile, all,
        kDatabaseFile, all);
  }
  return report.interrupted ? kExitInterrupted : report.failures ? kExitFailed : kExitDone;
}

TraceOptions trace_options(const RunArguments& arguments) {
  TraceOptions options;
  options.wanted = arguments.trace || !arguments.trace_steps.empty();
  options.or_latest = arguments.trace_steps.empty();
  if (!options.or_latest) options.steps = step_window(arguments.trace_steps);
  return options;
}

// Whether there is one.
bool write_trace(const RunArguments& arguments, const Scenario& scenario, const Ranks* ranks,
                 const std::string& folder) {
  const TraceOptions options = trace_options(arguments);
  if (!options.wanted) return false;
  ProgressBar bar;
  const auto progress = [&](double share, std::size_t finished) {
    if (!arguments.output.quiet) bar.update({share, finished, scenario.rows.size()});
  };
  const std::string trace = trace_of(scenario, options, jobs_of(arguments, ranks), progress);
  if (!trace.empty()) write_output(folder, "trace.json", trace);
  return !trace.empty();
}

int run_scenario(const RunArguments& arguments, const Scenario& scenario, Ranks* ranks) {
  const std::string folder = out_folder(arguments, scenario.file);
  if (!arguments.shard.empty() && !is_sweep(scenario)) {
    throw InputError({{"--shard", 0, "", arguments.shard, "a scenario with a sweep"}});
  }
  check_writable(folder);
  const FolderLock lock(folder);
  std::optional<SweepDatabase> database;
  if (is_sweep(scenario)) {
    if (arguments.fresh) remove_database(folder);
    database.emplace(folder);
  }
  Report report;
  {
    RunOptions options;
    options.jobs = jobs_of(arguments, ranks);
    options.samples = samples_of(arguments, scenario);
    options.shard = shard_of(arguments);
    options.database = database ? &*database : nullptr;
    options.retry_failed = arguments.retry_failed;
    if (ranks != nullptr) {
      options.execute = [&](const std::vector<Job>& todo, const ChildJobs& jobs) {
        return share_out(*ranks, scenario, todo, jobs);
      };
    }
    ProgressBar bar;
    options.progress = [&](const RunProgress& progress) {
      if (!arguments.output.quiet) bar.update(progress);
    };
    report = run(scenario, options);
  }
  if (!arguments.shard.empty()) return tell_of_shard(arguments, report, folder);
  std::string also_written = database ? fmt::format(", {}", kDatabaseFile) : "";
  if (!report.interrupted && write_trace(arguments, scenario, ranks, folder)) {
    also_written += ", trace.json (for ui.perfetto.dev)";
  }
  return publish(arguments.output, report, folder, also_written);
}

// A sweep of a million points takes minutes to read.
Scenario read_sweep(const RunArguments& arguments, const std::string& text, const std::string& file,
                    const std::vector<Setting>& settings, ReadOptions options) {
  const EndOnInterrupt guard("\nmoesim: interrupted while reading; nothing was simulated\n",
                             kExitInterrupted);
  ProgressBar bar;
  options.most_whole = kMostWholePoints;
  options.progress = [&](std::int64_t read, double points) {
    const auto total = static_cast<std::size_t>(points);
    const double share = std::min(1.0, static_cast<double>(read) / std::max(1.0, points));
    if (!arguments.output.quiet) {
      bar.update({share, static_cast<std::size_t>(read), total, 0, "points read"});
    }
  };
  return read_scenario_text(text, file, settings, options);
}

// All of them, with the faults of all of them; no two may write into one folder.
std::vector<Scenario> read_scenarios(const RunArguments& arguments, const Ranks* ranks) {
  const std::vector<Setting> settings = settings_of(arguments.changes);
  std::vector<Scenario> scenarios;
  std::set<std::string> folders;
  Faults faults;
  for (const std::string& file : arguments.files) {
    try {
      const std::string text = read_file(file, kMostDocumentBytes);
      ReadOptions options;
      options.most_points =
          points_meant(text, file, settings, {cores_of(arguments, ranks), arguments.yes});
      scenarios.push_back(read_sweep(arguments, text, file, settings, options));
    } catch (const InputError& e) {
      for (const Fault& fault : e.faults()) faults.add(fault);
      continue;
    }
    const std::string folder = out_folder(arguments, file);
    if (!folders.insert(folder).second) {
      faults.add({file, 0, "", "", "another file's report goes to " + folder + " already"});
    }
  }
  faults.throw_if_any();
  return scenarios;
}

}  // namespace

int run_command(const RunArguments& arguments, Ranks* ranks) {
  trace_options(arguments);  // Its faults come before hours of work.
  const std::vector<Scenario> scenarios = read_scenarios(arguments, ranks);
  int code = kExitDone;
  for (const Scenario& scenario : scenarios) {
    code = std::max(code, run_scenario(arguments, scenario, ranks));
    if (code == kExitInterrupted) break;
  }
  if (ranks != nullptr) dismiss(*ranks);
  return code;
}

}  // namespace moesim
