#include "scenarios/cli/command_line.h"

#include <iostream>

#include "base/words.h"
#include "models/placement/placement.h"
#include "models/router/make/token_source.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/cli/completion.h"
#include "scenarios/cli/man_page.h"

namespace moesim {
namespace {

using Words = std::vector<std::string>;

constexpr Bounds kSeeds{0, 1'000'000'000'000};  // As in a scenario.
constexpr Bounds kJobs{1, 1024};
constexpr Bounds kSamples{0, 1000};
constexpr Bounds kExperts{1, 100'000};
constexpr Bounds kCopies{0, 100'000};
constexpr Bounds kRanks{1, 256};  // A matrix of their pairs is still a picture.
constexpr Bounds kWidths{1, 1'000'000};
constexpr Bounds kDevices{2, std::int64_t{1} << 20U};

const Words kScenarios = {"yaml", "yml"};

Option flag(const std::string& name, const std::string& help, bool* to) {
  return {.name = name, .help = help, .target = to};
}

Option number(const std::string& name, const std::string& help, const Target& to,
              const Bounds& bounds, const std::string& otherwise = "") {
  return {.name = name,
          .help = help,
          .target = to,
          .value = "N",
          .otherwise = otherwise,
          .bounds = bounds};
}

Option samples(const std::string& help, const Target& to, const std::string& otherwise) {
  Option option = number("--samples", help, to, kSamples, otherwise);
  option.former_name = "--draws";
  return option;
}

Option choice(const std::string& name, const std::string& help, std::string* to, const Words& words,
              const std::string& otherwise = "") {
  return {.name = name, .help = help, .target = to, .otherwise = otherwise, .words = words};
}

Option text(const std::string& name, const std::string& value, const std::string& help,
            const Target& to, const std::string& otherwise = "") {
  return {.name = name, .help = help, .target = to, .value = value, .otherwise = otherwise};
}

Option file(const std::string& name, const std::string& help, const Target& to,
            const Words& suffixes) {
  return {.name = name,
          .help = help,
          .target = to,
          .value = "FILE",
          .offers = {Offer::kFiles},
          .suffixes = suffixes};
}

Option folder(const std::string& name, const std::string& help, std::string* to,
              const std::string& otherwise = "") {
  return {.name = name,
          .help = help,
          .target = to,
          .value = "FOLDER",
          .otherwise = otherwise,
          .offers = {Offer::kFolders}};
}

Option named(Option option, const std::vector<Offer>& offers) {
  option.offers.insert(option.offers.end(), offers.begin(), offers.end());
  return option;
}

Option required(Option option) {
  option.required = true;
  return option;
}

// Arguments that are known by their place.
Option optional_argument(Option option) {
  option.value.clear();
  return option;
}

Option argument(Option option) {
  return required(optional_argument(std::move(option)));
}

std::vector<Option> joined(std::vector<Option> options, const std::vector<Option>& more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

std::vector<Option> setting_options(SettingArguments& to) {
  return {number("--seed", "Replaces the scenario's seed", &to.seed, kSeeds),
          text("--set", "PATH=VALUE", "path=value, as in sweep:", &to.settings)};
}

std::vector<Option> output_options(OutputArguments& to) {
  return {flag("--json", "Print report.json instead of the tables", &to.json),
          flag("--markdown", "Also write report.md, a summary for a pull request", &to.markdown),
          flag("--quiet", "Print nothing but faults", &to.quiet)};
}

std::vector<Option> examples_options(ExamplesArguments& to) {
  return {optional_argument(folder("FOLDER", "Where they go", &to.folder, "moesim-examples")),
          flag("--list", "Only show the name and the question of each", &to.list)};
}

std::vector<Option> run_options(RunArguments& to) {
  return {
      argument(file("FILE", "Scenario files", &to.files, kScenarios)),
      folder("--out", "Folder of the reports", &to.out, "out/ and the name of the file"),
      number("--jobs", "Cases at once", &to.jobs, kJobs, "all cores"),
      samples("Monte Carlo samples of all uncertain numbers, for intervals", &to.samples,
              "10; 0 for large sweeps"),
      text("--shard", "I/N", "i/n: only this part of a sweep; see merge", &to.shard),
      flag("--fresh", "Discard the results of an earlier run of the sweep", &to.fresh),
      flag("--retry-failed", "Try rows of an earlier run again whose simulation failed",
           &to.retry_failed),
      flag("--yes", "Do not ask before a sweep of many points", &to.yes),
      flag("--trace", "Write trace.json, a timeline of some steps for the Perfetto UI", &to.trace),
      text("--trace-steps", "A:B", "A:B = trace steps A to B - 1 of the first replica",
           &to.trace_steps, "64:96, or the last ones"),
  };
}

std::vector<Option> merge_options(MergeArguments& to) {
  return {argument(file("DATABASE", "sweep.db of every shard", &to.databases, {"db"})),
          required(folder("--out", "Folder of the report", &to.out))};
}

std::vector<Option> check_options(CheckArguments& to) {
  return {argument(file("FILE", "Scenario file", &to.file, kScenarios))};
}

std::vector<Option> explain_options(ExplainArguments& to) {
  return {
      argument(file("FILE", "A report.json, or a scenario to simulate", &to.file,
                    {"json", "yaml", "yml"})),
      argument(text("A", "", "Name of a case, \"moe (top_k 4)\" in a sweep", &to.a)),
      argument(text("B", "", "The case whose difference from A is explained", &to.b)),
      flag("--json", "Print JSON instead of tables", &to.json),
  };
}

std::vector<Option> routing_options(RouteArguments& to) {
  return {
      argument(named(file("MODEL", "Catalog name or config.json", &to.model, {"json"}),
                     {Offer::kModels})),
      number("--seed", "Seed", &to.seed, kSeeds, "0"),
      choice("--tokens", "Where tokens come from", &to.tokens, words_of<TokenPolicy>(),
             "calibrated"),
      text("--alpha", "X", "Exponent of --tokens power_law", &to.alpha, "1"),
      text("--domain", "NAME", "Kind of text, e.g. code", &to.domain),
      file("--trace", "Recorded routing: .npy, .jsonl or .csv", &to.trace, {"npy", "jsonl", "csv"}),
      file("--gate", "Real gates: .safetensors, its index or folder", &to.gate,
           {"safetensors", "json"}),
      text("--train", "KEY=VALUE", "Train the gate: key=value of training:, e.g. aux_loss=0.01",
           &to.training),
      text("--set", "KEY=VALUE", "key=value of a scenario's router:, e.g. score=sigmoid",
           &to.changes),
      number("--experts", "Other number of experts", &to.sizes.num_experts, kExperts),
      number("--top-k", "Other number of experts per token", &to.sizes.top_k, kExperts),
  };
}

std::vector<Option> placement_options(RouteArguments& to) {
  return {
      number("--ep", "Ranks that the experts are spread over", &to.ranks, kRanks, "1"),
      number("--nodes", "Nodes of these ranks", &to.nodes, kRanks, "1"),
      choice("--placement", "How the experts are placed", &to.placement,
             words_of<PlacementPolicy>(), "linear"),
      number("--redundant", "Further copies of hot experts", &to.redundant, kCopies, "0"),
      file("--out", "Write the ids as NumPy [tokens, layers, top_k]", &to.npy, {"npy"}),
      file("--html", "Write a page with heat maps and tables", &to.html, {"html"}),
      flag("--json", "Print JSON instead of tables", &to.json),
  };
}

std::vector<Option> list_options(ListArguments& to) {
  return {argument(choice("WHAT", "", &to.what, kListed)),
          flag("--markdown", "Keys or metrics as a page of tables", &to.markdown)};
}

std::vector<Option> show_options(ShowArguments& to) {
  return {
      argument(named(file("NAME", "Catalog or profile name, config.json, or .yaml", &to.name,
                          {"json", "yaml"}),
                     {Offer::kModels, Offer::kHardware})),
      flag("--json", "As JSON", &to.json),
      flag("--layers", "Layer by layer", &to.layers),
      flag("--kernels", "A model's kernel shapes on one rank as CSV, for hardware/measure",
           &to.kernels),
      number("--gpus", "With a fabric: devices that the network is to join", &to.gpus, kDevices),
      named(text("--node", "NAME", "With a fabric: the nodes they stand in", &to.node),
            {Offer::kNodes}),
      number("--tp", "With --kernels: parallel width", &to.plan.tp, kWidths),
      number("--ep", "With --kernels: parallel width", &to.plan.ep, kWidths),
      number("--attention-dp", "With --kernels: parallel width", &to.plan.attention_dp, kWidths),
      text("--weights", "FORMAT", "With --kernels: format, e.g. fp8", &to.weights),
      text("--experts", "FORMAT", "With --kernels: format of the experts", &to.experts),
      text("--kv", "FORMAT", "With --kernels: format of the KV cache", &to.kv),
  };
}

std::vector<Option> schema_options(SchemaArguments& to) {
  return {argument(choice("WHAT", "", &to.what, kSchemas))};
}

std::vector<Option> validate_options(ValidateArguments& to) {
  return {
      argument(
          file("TABLE", "CSV tables of measurements, see docs/formats.md", &to.files, {"csv"})),
      file("--profile", "Your own device profile; its file name is the slug it stands for",
           &to.profiles, {"yaml"}),
      file("--out", "Write id, metric, predicted, unit, status", &to.out, {"csv"}),
      file("--accuracy", "Write the scores as a Markdown page", &to.page, {"md"}),
      choice("--routing",
             "How tokens choose experts where a row does not say: calibrated (the router kernel), "
             "or balanced or uniform to see what it is worth",
             &to.routing, kRoutings),
      samples("Monte Carlo samples of all uncertain numbers, to see how many intervals hold",
              &to.samples, "0"),
      number("--jobs", "Simulations at once", &to.jobs, kJobs, "all cores"),
  };
}

int print_completion(const std::string& shell) {
  Arguments unused;
  std::cout << completion_script(shell, command_line(unused));
  return kExitDone;
}

int print_man_page() {
  Arguments unused;
  std::cout << man_page(command_line(unused));
  return kExitDone;
}

}  // namespace

std::vector<Command> command_line(Arguments& to, Ranks* ranks) {
  return {
      {"run", "Simulate scenarios and write their reports",
       joined(joined(run_options(to.run), output_options(to.run.output)),
              setting_options(to.run.changes)),
       [&to, ranks] { return run_command(to.run, ranks); }},
      {"check", "Validate a scenario; print it resolved, and the memory of every case",
       joined(check_options(to.check), setting_options(to.check.changes)),
       [&to] { return check_command(to.check); }},
      {"merge", "Put the databases of a sweep's shards together and report",
       joined(merge_options(to.merge), output_options(to.merge.output)),
       [&to] { return merge_command(to.merge); }},
      {"explain", "Split the difference of two cases in cost and time per token into its parts",
       joined(explain_options(to.explain), setting_options(to.explain.changes)),
       [&to] { return explain_command(to.explain); }},
      {"examples", "Copy the shipped questions, to read, run and change",
       examples_options(to.examples), [&to] { return examples_command(to.examples); }},
      {"route", "Route tokens through a model's router; show what it does",
       joined(routing_options(to.route), placement_options(to.route)),
       [&to] { return route_command(to.route); }},
      {"list", "Models, hardware, metrics of reports, keys of scenario files",
       list_options(to.list), [&to] { return list_command(to.list); }},
      {"show", "One model, device, node, fabric or site", show_options(to.show),
       [&to] { return show_command(to.show); }},
      {"schema", "JSON Schema of report.json or of scenario files", schema_options(to.schema),
       [&to] { return schema_command(to.schema); }},
      {"validate", "Score predictions against published measurements",
       validate_options(to.validate), [&to] { return validate_command(to.validate); }},
      {"completion",
       "Print a script that completes this program's command line in a shell",
       {argument(choice("SHELL", "", &to.completion.shell, kShells))},
       [&to] { return print_completion(to.completion.shell); }},
      {"man", "Print the manual page, for man -l -", {}, print_man_page},
  };
}

}  // namespace moesim
