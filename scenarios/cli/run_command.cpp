#include "scenarios/cli/run_command.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <set>
#include <thread>

#include "base/document.h"
#include "reports/render/json/report_json.h"
#include "reports/render/report_markdown.h"
#include "reports/render/text/report_text.h"
#include "reports/render/write_report.h"
#include "scenarios/cli/commands.h"
#include "scenarios/cli/measured_text.h"
#include "scenarios/cli/memory_table.h"
#include "scenarios/cli/run_arguments.h"
#include "scenarios/run/database.h"
#include "scenarios/run/merge.h"
#include "scenarios/run/output_folder.h"
#include "scenarios/run/progress_bar.h"
#include "scenarios/run/ranks/share_out.h"
#include "scenarios/run/remove_database.h"
#include "scenarios/run/size_question.h"
#include "scenarios/run/write_trace.h"

namespace moesim {
namespace {

constexpr int kDefaultWidth = 100;
constexpr std::int64_t kMaxSeed = 1'000'000'000'000;  // As in a scenario.

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

// Each rank of an MPI job has a core by default.
int jobs_of(const RunArguments& arguments, const Ranks* ranks) {
  if (ranks != nullptr && !arguments.jobs) return 1;
  return arguments.jobs.value_or(
      static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
}

int cores_of(const RunArguments& arguments, const Ranks* ranks) {
  return jobs_of(arguments, ranks) * (ranks != nullptr ? ranks->size() : 1);
}

bool is_sweep(const Scenario& scenario) {
  return !scenario.rows.front().key.empty();
}

// Files, terminal, exit code.
int publish(const RunArguments& arguments, const Report& report, const std::string& folder,
            const std::string& also_written) {
  if (report.cases.empty()) {
    fmt::print(
        stderr,
        "moesim: no report is written, for it would not fit into memory: these are more rows "
        "than the 100,000 that it may have; all are in {}/{}, table cases\n",
        folder, kDatabaseFile);
    return report.interrupted ? kExitInterrupted : kExitDone;
  }
  write_report(report, folder);
  if (arguments.markdown) write_output(folder, "report.md", report_markdown(report));
  if (arguments.json) {
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    std::cout << report_json(report).dump(1, ' ', false, kReplace) << "\n";  // As in the file.
  }
  if (!arguments.json && !arguments.quiet) {
    std::cout << report_text(report, terminal_width())
              << fmt::format("\nWritten to {}: report.html, report.json, cases.csv{}{}\n", folder,
                             arguments.markdown ? ", report.md" : "", also_written);
  }
  if (report.interrupted) return kExitInterrupted;
  const bool any_done = std::any_of(report.cases.begin(), report.cases.end(), [](const auto& one) {
    return one.status == CaseStatus::kDone;
  });
  return any_done ? kExitDone : kExitNothingFeasible;
}

// Of a shard there is no report: its database waits for the others'.
int tell_of_shard(const RunArguments& arguments, const Report& report, const std::string& folder) {
  if (!arguments.quiet) {
    const std::string all = folder.substr(0, folder.rfind('/'));
    std::cout << fmt::format(
        "Shard {} is {} in {}/{}; when all are there: moesim merge {}/shard-*/{} --out {}\n",
        arguments.shard, report.interrupted ? "interrupted" : "done", folder, kDatabaseFile, all,
        kDatabaseFile, all);
  }
  return report.interrupted ? kExitInterrupted : kExitDone;
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
    if (!arguments.quiet) bar.update({share, finished, scenario.rows.size()});
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
    options.samples = draws_of(arguments, scenario);
    options.shard = shard_of(arguments);
    options.database = database ? &*database : nullptr;
    if (ranks != nullptr) {
      options.execute = [&](const std::vector<Job>& todo, const ChildJobs& jobs) {
        return share_out(*ranks, scenario, todo, jobs);
      };
    }
    ProgressBar bar;
    options.progress = [&](const RunProgress& progress) {
      if (!arguments.quiet) bar.update(progress);
    };
    report = run(scenario, options);
  }
  if (!arguments.shard.empty()) return tell_of_shard(arguments, report, folder);
  std::string also_written = database ? fmt::format(", {}", kDatabaseFile) : "";
  if (!report.interrupted && write_trace(arguments, scenario, ranks, folder)) {
    also_written += ", trace.json (for ui.perfetto.dev)";
  }
  return publish(arguments, report, folder, also_written);
}

struct ReadingInterrupted {};

// A sweep of a million points takes minutes to read.
Scenario read_sweep(const RunArguments& arguments, const std::string& text, const std::string& file,
                    const std::vector<Setting>& settings, ReadOptions options) {
  const InterruptGuard guard;
  ProgressBar bar;
  options.most_whole = kMostWholePoints;
  options.progress = [&](std::int64_t read, double points) {
    if (guard.was_interrupted()) throw ReadingInterrupted();
    const auto total = static_cast<std::size_t>(points);
    const double share = std::min(1.0, static_cast<double>(read) / std::max(1.0, points));
    if (!arguments.quiet) {
      bar.update({share, static_cast<std::size_t>(read), total, 0, "points read"});
    }
  };
  return read_scenario_text(text, file, settings, options);
}

// All of them, with the faults of all of them; no two may write into one folder.
std::vector<Scenario> read_scenarios(const RunArguments& arguments, const Ranks* ranks) {
  const std::vector<Setting> settings = settings_of(arguments);
  std::vector<Scenario> scenarios;
  std::set<std::string> folders;
  Faults faults;
  for (const std::string& file : arguments.files) {
    try {
      const std::string text = read_file(file);
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

int run_files(const RunArguments& arguments, Ranks* ranks) {
  trace_options(arguments);  // Its faults come before hours of work.
  std::vector<Scenario> scenarios;
  try {
    scenarios = read_scenarios(arguments, ranks);
  } catch (const ReadingInterrupted&) {
    fmt::print(stderr, "moesim: interrupted while reading; nothing was simulated\n");
    return kExitInterrupted;
  }
  int code = kExitDone;
  for (const Scenario& scenario : scenarios) {
    code = std::max(code, run_scenario(arguments, scenario, ranks));
    if (code == kExitInterrupted) break;
  }
  if (ranks != nullptr) dismiss(*ranks);
  return code;
}

int merge_files(const RunArguments& arguments) {
  check_writable(arguments.out);
  const FolderLock lock(arguments.out);
  SweepDatabase database(arguments.out);
  const MergedSweep merged = merge_databases(arguments.files, database);
  RunOptions options;
  options.samples = merged.samples;
  options.database = &database;
  options.execute = [](const std::vector<Job>& missing, const ChildJobs&) {
    refuse_missing(missing);
    return true;
  };
  const Report report = run(merged.scenario, options);
  return publish(arguments, report, arguments.out, fmt::format(", {}", kDatabaseFile));
}

// "moe at moe.model.top_k = 16 cannot run: ..." for every such point of the sweep.
std::string infeasible_points(const Scenario& scenario) {
  std::string out;
  for (const Case& one : scenario.cases) {
    if (one.infeasible.empty() || !one.baseline_of.empty()) continue;
    std::string point;
    for (const auto& [path, value] : one.point) {
      point += fmt::format("{} {} = {}", point.empty() ? "" : ",", path, value);
    }
    out += fmt::format("{}{} at{} cannot run: {}\n", out.empty() ? "\n" : "", one.name, point,
                       one.infeasible);
  }
  return out;
}

int check_file(const RunArguments& arguments) {
  const Scenario scenario = read_scenario(arguments.files.front(), settings_of(arguments));
  std::cout << scenario.resolved << "\n"
            << memory_table(scenario) << measured_text(scenario) << infeasible_points(scenario);
  return kExitDone;
}

void add_scenario_options(CLI::App& command, RunArguments& arguments) {
  command.add_option("--seed", arguments.seed, "Replaces the scenario's seed")
      ->check(CLI::Range(std::int64_t{0}, kMaxSeed));
  command.add_option("--set", arguments.settings, "path=value, as in sweep: (repeatable)")
      ->allow_extra_args(false);
}

void add_output_options(CLI::App& command, RunArguments& arguments) {
  command.add_flag("--json", arguments.json, "Print report.json instead of the tables");
  command.add_flag("--markdown", arguments.markdown,
                   "Also write report.md, a summary for a pull request");
  command.add_flag("--quiet", arguments.quiet, "Print nothing but faults");
}

}  // namespace

void add_run(CLI::App& app, int& code, Ranks* ranks) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Simulate scenarios and write their reports");
  command->add_option("FILE", arguments->files, "Scenario files")->required();
  command->add_option("--out", arguments->out,
                      "Folder of the reports (out/ and the name of the file)");
  command->add_option("--jobs", arguments->jobs, "Cases at once (all cores)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--draws", arguments->draws,
                   "Draws of everything uncertain, for intervals (10; 0 for large sweeps)")
      ->check(CLI::Range(0, 1000));
  command->add_option("--shard", arguments->shard, "i/n: only this part of a sweep; see merge");
  command->add_flag("--fresh", arguments->fresh, "Forget what an earlier run of the sweep did");
  command->add_flag("--yes", arguments->yes, "Do not ask before a sweep of many points");
  command->add_flag("--trace", arguments->trace,
                    "Write trace.json, a timeline of some steps for the Perfetto UI");
  command->add_option(
      "--trace-steps", arguments->trace_steps,
      "A:B = trace steps A to B - 1 of the first replica (64:96, or the last ones)");
  add_output_options(*command, *arguments);
  add_scenario_options(*command, *arguments);
  command->callback([arguments, ranks, &code] { code = run_files(*arguments, ranks); });
}

void add_check(CLI::App& app, int& code) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand(
      "check", "Validate a scenario; print it resolved, and the memory of every case");
  command->add_option("FILE", arguments->files, "Scenario file")->required()->expected(1);
  add_scenario_options(*command, *arguments);
  command->callback([arguments, &code] { code = check_file(*arguments); });
}

void add_merge(CLI::App& app, int& code) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App* command =
      app.add_subcommand("merge", "Put the databases of a sweep's shards together and report");
  command->add_option("DATABASE", arguments->files, "sweep.db of every shard")->required();
  command->add_option("--out", arguments->out, "Folder of the report")->required();
  add_output_options(*command, *arguments);
  command->callback([arguments, &code] { code = merge_files(*arguments); });
}

}  // namespace moesim
