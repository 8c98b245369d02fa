#include "scenarios/commands.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>
#include <thread>

#include "scenarios/measured_text.h"
#include "scenarios/memory_table.h"
#include "scenarios/output_folder.h"
#include "scenarios/progress_bar.h"
#include "scenarios/route.h"
#include "scenarios/run.h"
#include "scenarios/show.h"
#include "scenarios/validate/command.h"
#include "scenarios/write_trace.h"

namespace moesim {
namespace {

constexpr int kDefaultWidth = 100;
constexpr std::int64_t kMaxSeed = 1'000'000'000'000;  // As in a scenario.

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

struct RunArguments {
  std::vector<std::string> files;
  std::string out;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> settings;
  int jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::optional<std::int64_t> draws;
  bool trace = false;
  std::string trace_steps;
  bool json = false;
  bool quiet = false;
};

std::vector<Setting> settings_of(const RunArguments& arguments) {
  std::vector<Setting> settings;
  for (const std::string& text : arguments.settings) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      throw InputError({{"--set", 0, "", text, "path=value expected, e.g. moe.model.top_k=4"}});
    }
    settings.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  if (arguments.seed) settings.push_back({"seed", std::to_string(*arguments.seed)});
  return settings;
}

// out/NAME unless --out is given; with several files each gets a folder of its own below it.
std::string out_folder(const RunArguments& arguments, const Scenario& scenario) {
  const std::string stem = std::filesystem::path(scenario.file).stem().string();
  if (arguments.out.empty()) return "out/" + stem;
  return arguments.files.size() == 1 ? arguments.out : arguments.out + "/" + stem;
}

// Intervals by default where every case is looked at by itself; a large sweep has none unless
// asked.
std::int64_t draws_of(const RunArguments& arguments, const Scenario& scenario) {
  constexpr std::int64_t kDraws = 10;
  return arguments.draws.value_or(scenario.cases.size() <= kMostDetailedCases ? kDraws : 0);
}

TraceOptions trace_options(const RunArguments& arguments) {
  TraceOptions options;
  options.wanted = arguments.trace || !arguments.trace_steps.empty();
  options.or_latest = arguments.trace_steps.empty();
  if (!options.or_latest) options.steps = step_window(arguments.trace_steps);
  return options;
}

void write_trace(const RunArguments& arguments, const Scenario& scenario,
                 const std::string& folder) {
  ProgressBar bar(scenario.cases.size());
  const auto progress = [&](double share, std::size_t finished) {
    if (!arguments.quiet) bar.update(share, finished);
  };
  const std::string trace = trace_of(scenario, trace_options(arguments), arguments.jobs, progress);
  if (!trace.empty()) write_output(folder, "trace.json", trace);
}

int run_scenario(const RunArguments& arguments, const Scenario& scenario) {
  const std::string folder = out_folder(arguments, scenario);
  check_writable(folder);
  Report report;
  {
    RunOptions options;
    options.jobs = arguments.jobs;
    options.draws = draws_of(arguments, scenario);
    options.redraw = [&](const Variation& variation) {
      return read_scenario(scenario.file, settings_of(arguments), variation);
    };
    ProgressBar bar(num_jobs(scenario, options));
    options.progress = [&](double share, std::size_t finished) {
      if (!arguments.quiet) bar.update(share, finished);
    };
    report = run(scenario, options);
  }
  write_report(report, folder);
  const bool traced = trace_options(arguments).wanted && !report.interrupted;
  if (traced) write_trace(arguments, scenario, folder);
  if (arguments.json) {
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    std::cout << report_json(report).dump(1, ' ', false, kReplace) << "\n";  // As in the file.
  }
  if (!arguments.json && !arguments.quiet) {
    std::cout << report_text(report, terminal_width())
              << fmt::format("\nWritten to {}: report.html, report.json, cases.csv{}\n", folder,
                             traced ? ", trace.json (for ui.perfetto.dev)" : "");
  }
  if (report.interrupted) return kExitInterrupted;
  const bool any_done = std::any_of(report.cases.begin(), report.cases.end(), [](const auto& one) {
    return one.status == CaseStatus::kDone;
  });
  return any_done ? kExitDone : kExitNothingFeasible;
}

// All of them, with the faults of all of them; no two may write into one folder.
std::vector<Scenario> read_scenarios(const RunArguments& arguments) {
  const std::vector<Setting> settings = settings_of(arguments);
  std::vector<Scenario> scenarios;
  std::set<std::string> folders;
  Faults faults;
  for (const std::string& file : arguments.files) {
    try {
      scenarios.push_back(read_scenario(file, settings));
    } catch (const InputError& e) {
      for (const Fault& fault : e.faults()) faults.add(fault);
      continue;
    }
    const std::string folder = out_folder(arguments, scenarios.back());
    if (!folders.insert(folder).second) {
      faults.add({file, 0, "", "", "another file's report goes to " + folder + " already"});
    }
  }
  faults.throw_if_any();
  return scenarios;
}

int run_files(const RunArguments& arguments) {
  trace_options(arguments);  // Its faults come before hours of work.
  const std::vector<Scenario> scenarios = read_scenarios(arguments);
  int code = kExitDone;
  for (const Scenario& scenario : scenarios) {
    code = std::max(code, run_scenario(arguments, scenario));
    if (code == kExitInterrupted) break;
  }
  return code;
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

void add_run(CLI::App& app, RunArguments& arguments, int& code) {
  CLI::App* command = app.add_subcommand("run", "Simulate scenarios and write their reports");
  command->add_option("FILE", arguments.files, "Scenario files")->required();
  command->add_option("--out", arguments.out, "Folder of the reports (out/NAME)");
  command->add_option("--jobs", arguments.jobs, "Cases at once")->check(CLI::Range(1, 1024));
  command
      ->add_option("--draws", arguments.draws,
                   "Draws of everything uncertain, for intervals (10; 0 for large sweeps)")
      ->check(CLI::Range(0, 1000));
  command->add_flag("--trace", arguments.trace,
                    "Write trace.json, a timeline of some steps for the Perfetto UI");
  command->add_option(
      "--trace-steps", arguments.trace_steps,
      "A:B = trace steps A to B - 1 of the first replica (64:96, or the last ones)");
  command->add_flag("--json", arguments.json, "Print report.json instead of the tables");
  command->add_flag("--quiet", arguments.quiet, "Print nothing but faults");
  add_scenario_options(*command, arguments);
  command->callback([&] { code = run_files(arguments); });
}

void add_check(CLI::App& app, RunArguments& arguments, int& code) {
  CLI::App* command = app.add_subcommand(
      "check", "Validate a scenario; print it resolved, and the memory of every case");
  command->add_option("FILE", arguments.files, "Scenario file")->required()->expected(1);
  add_scenario_options(*command, arguments);
  command->callback([&] { code = check_file(arguments); });
}

// What is wrong with the command's name; empty = nothing.
std::string command_fault(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  if (argc < 2) return "a command expected: " + comma_list(names);
  const std::string given = argv[1];
  if (given.starts_with("-") || std::count(names.begin(), names.end(), given) > 0) return "";
  const std::string near = did_you_mean(given, names);
  return given + ": unknown command; " +
         (near.empty() ? "one of " + comma_list(names) : "did you mean " + near + "?");
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"moesim: what a Mixture-of-Experts deployment costs, against a dense one"};
  app.set_version_flag("--version", "moesim " MOESIM_VERSION);
  app.require_subcommand(1);
  app.name("moesim");
  int code = kExitDone;
  RunArguments arguments;
  add_run(app, arguments, code);
  add_check(app, arguments, code);
  add_route(app);
  add_list(app);
  add_show(app);
  add_validate(app, code);
  if (const std::string fault = command_fault(app, argc, argv); !fault.empty()) {
    std::cerr << fault << "\nRun with --help for more information.\n";
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitDone : kExitUsage;
  }
  return code;
}

}  // namespace moesim
