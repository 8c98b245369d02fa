#include "scenarios/commands.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <set>
#include <thread>

#include "hardware/hardware_card.h"
#include "hardware/profiles.h"
#include "models/catalog.h"
#include "models/model_card.h"
#include "models/router/bank/routing_report.h"
#include "models/router/recorded/npy.h"
#include "reports/metrics.h"
#include "scenarios/memory_table.h"
#include "scenarios/output_folder.h"
#include "scenarios/run.h"

namespace moesim {
namespace {

constexpr int kDefaultWidth = 100;
constexpr std::int64_t kMaxSeed = 1'000'000'000'000;  // As in a scenario.
constexpr const char* kHardwareKinds[] = {"devices", "nodes", "fabrics",
                                          "sites",   "links", "families"};

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

// A bar on the terminal for anything that takes more than a second; nothing when stderr is no
// terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::size_t cases) : cases_(cases) {}
  ~ProgressBar() {
    if (shown_) std::cerr << "\r\033[K" << std::flush;
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(double share, std::size_t finished) {
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    if (elapsed < 1 || isatty(STDERR_FILENO) == 0) return;
    shown_ = true;
    constexpr int kCells = 30;
    const int full = static_cast<int>(share * kCells);
    std::cerr << fmt::format("\r\033[K[{:#<{}}{:.<{}}] {:3.0f} %  {} of {} cases  {:.0f} s left",
                             "", full, "", kCells - full, share * 100, finished, cases_,
                             share > 0 ? elapsed * (1 - share) / share : 0.0)
              << std::flush;
  }

 private:
  std::size_t cases_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct RunArguments {
  std::vector<std::string> files;
  std::string out;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> settings;
  int jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
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

int run_scenario(const RunArguments& arguments, const Scenario& scenario) {
  const std::string folder = out_folder(arguments, scenario);
  check_writable(folder);
  Report report;
  {
    ProgressBar bar(scenario.cases.size());
    RunOptions options{arguments.jobs, [&](double share, std::size_t finished) {
                         if (!arguments.quiet) bar.update(share, finished);
                       }};
    report = run(scenario, options);
  }
  write_report(report, folder);
  if (arguments.json) {
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    std::cout << report_json(report).dump(1, ' ', false, kReplace) << "\n";  // As in the file.
  }
  if (!arguments.json && !arguments.quiet) {
    std::cout << report_text(report, terminal_width())
              << fmt::format("\nWritten to {0}: report.html, report.json, cases.csv\n", folder);
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
    if (one.infeasible.empty()) continue;
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
  std::cout << scenario.resolved << "\n" << memory_table(scenario) << infeasible_points(scenario);
  return kExitDone;
}

int list_names(const std::string& what) {
  if (what == "models") {
    for (const std::string& name : catalog_names()) std::cout << name << "\n";
  } else if (what == "hardware") {
    for (const char* kind : kHardwareKinds) {
      std::cout << kind << ":\n";
      for (const std::string& name : profile_names(kind)) std::cout << "  " << name << "\n";
    }
  } else {
    for (const Metric& metric : metric_table()) {
      std::cout << fmt::format("{:34} {:12} {}\n", metric.key, metric.unit, metric.meaning);
    }
  }
  return kExitDone;
}

std::vector<std::string> hardware_names() {
  std::vector<std::string> all;
  for (const char* kind : kHardwareKinds) {
    const auto names = profile_names(kind);
    all.insert(all.end(), names.begin(), names.end());
  }
  return all;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void refuse_unknown(const std::string& name, std::vector<std::string> names) {
  const auto hardware = hardware_names();
  names.insert(names.end(), hardware.begin(), hardware.end());
  const std::string near = did_you_mean(name, names);
  throw InputError({{"", 0, "", name.empty() ? "nothing" : name,
                     "no model or hardware of this name; see list models, list hardware, or give a "
                     "path" +
                         (near.empty() ? "" : "; did you mean " + near + "?")}});
}

nlohmann::ordered_json facts_json(const std::vector<Fact>& facts) {
  nlohmann::ordered_json json;
  for (const Fact& fact : facts) {
    json[fact.path] = {
        {"value", fact.text}, {"source", fact.source}, {"confidence", fact.confidence}};
  }
  return json;
}

int show(const std::string& name, bool json, bool layers) {
  const auto models = catalog_names();
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".json");
  if (name.ends_with(".yaml") || contains(hardware_names(), name)) {
    const HardwareCard card = load_hardware_card(name);
    std::cout << (json ? facts_json(card.facts).dump(2) + "\n" : hardware_card_text(card));
    return kExitDone;
  }
  if (!is_path && !contains(models, name)) refuse_unknown(name, models);
  const ModelSpec model = load_model(name);
  std::cout << (json ? model_card_json(model).dump(2) + "\n" : model_card(model, layers));
  return kExitDone;
}

struct RouteArguments {
  std::string model;
  std::string tokens = "calibrated";
  std::uint64_t seed = 0;
  std::string npy_out;
};

int route(const RouteArguments& arguments) {
  const ModelSpec model = load_model(arguments.model);
  if (!model.is_moe()) {
    throw InputError({{"", 0, "", arguments.model, "a dense model has no router"}});
  }
  TokenSource source;
  const std::vector<std::string> policies = {"calibrated", "balanced", "uniform", "power_law"};
  const auto found = std::find(policies.begin(), policies.end(), arguments.tokens);
  source.policy = static_cast<TokenPolicy>(found - policies.begin());
  const RoutingBank bank = make_routing_bank(model, source, arguments.seed);
  std::cout << routing_report(bank);
  if (!arguments.npy_out.empty()) write_npy(bank, arguments.npy_out);
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

void add_route(CLI::App& app, RouteArguments& arguments, int& code) {
  CLI::App* command =
      app.add_subcommand("route", "Route tokens through a model's router; print load statistics");
  command->add_option("MODEL", arguments.model, "Catalog name or config.json")->required();
  command->add_option("--tokens", arguments.tokens, "Where tokens come from")
      ->check(CLI::IsMember({"calibrated", "balanced", "uniform", "power_law"}));
  command->add_option("--seed", arguments.seed, "Seed")
      ->check(CLI::Range(std::int64_t{0}, kMaxSeed));
  command->add_option("--out", arguments.npy_out, "Write the ids as NumPy [tokens, layers, top_k]");
  command->callback([&] { code = route(arguments); });
}

// What is wrong with the command's name; empty = nothing.
std::string command_fault(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  if (argc < 2) return "a command expected: " + comma_list(names);
  const std::string given = argv[1];
  if (given.starts_with("-") || contains(names, given)) return "";
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
  RouteArguments route_arguments;
  std::string name;
  bool json = false;
  bool layers = false;
  add_run(app, arguments, code);
  add_check(app, arguments, code);
  add_route(app, route_arguments, code);
  CLI::App* list = app.add_subcommand("list", "Names of models, hardware or metrics");
  list->add_option("WHAT", name)
      ->required()
      ->check(CLI::IsMember({"models", "hardware", "metrics"}));
  list->callback([&] { code = list_names(name); });
  CLI::App* card = app.add_subcommand("show", "One model, device, node, fabric or site");
  card->add_option("NAME", name, "Catalog or profile name, config.json, or .yaml")->required();
  card->add_flag("--json", json, "As JSON");
  card->add_flag("--layers", layers, "Layer by layer");
  card->callback([&] { code = show(name, json, layers); });
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
