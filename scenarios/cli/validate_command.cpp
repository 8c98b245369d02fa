#include "scenarios/cli/validate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <thread>

#include "hardware/read/profiles.h"
#include "scenarios/cli/commands.h"
#include "scenarios/run/progress_bar.h"
#include "scenarios/validate/output_file.h"
#include "scenarios/validate/scores/accuracy_page.h"
#include "scenarios/validate/scores/predictions_csv.h"
#include "scenarios/validate/scores/score_text.h"
#include "scenarios/validate/validate.h"

namespace moesim {
namespace {

constexpr std::uint64_t kDrawSeed = 1;

struct ValidateArguments {
  std::vector<std::string> files;
  std::vector<std::string> profiles;
  std::string out;
  std::string page;
  std::string routing = "calibrated";
  std::int64_t draws = 0;
  int jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
};

Library library_of(const ValidateArguments& arguments, const Variation& variation) {
  Library library(variation);
  for (const std::string& profile : arguments.profiles) {
    library.replace(load_device(profile, variation));
  }
  return library;
}

// Routing that baselines compare with: they need nothing but a name.
constexpr std::array kRoutings = {TokenPolicy::kCalibrated, TokenPolicy::kBalanced,
                                  TokenPolicy::kUniform};

Validation plan_of(const ValidateArguments& arguments, const Library& library) {
  Validation validation = plan_validation(arguments.files, library);
  validation.plan.route(from_word<TokenPolicy>(arguments.routing).value());
  return validation;
}

// Runs what the tables need, as stated and then draw by draw.
void run_all(Validation& validation, const ValidateArguments& arguments, const Library& stated) {
  const std::size_t each = validation.plan.simulations().size();
  const std::size_t total = each * static_cast<std::size_t>(1 + arguments.draws);
  ProgressBar bar;
  for (std::int64_t draw = 0; draw <= arguments.draws && !validation.interrupted; ++draw) {
    const auto done = static_cast<std::size_t>(draw);
    const double parts = static_cast<double>(1 + arguments.draws);
    const ValidateOptions options{
        arguments.jobs, [&](double share, std::size_t finished) {
          bar.update({(static_cast<double>(done) + share) / parts, done * each + finished, total});
        }};
    if (draw == 0) {
      run_simulations(validation, stated, options);
      continue;
    }
    const Library library = library_of(arguments, {kDrawSeed, draw, arguments.draws});
    Validation drawn = plan_of(arguments, library);
    run_simulations(drawn, library, options);
    validation.interrupted = drawn.interrupted;
    if (!drawn.interrupted) validation.plan.add_sample(drawn.plan);
  }
}

int validate(const ValidateArguments& arguments) {
  const Library library = library_of(arguments, {});
  Validation validation = plan_of(arguments, library);
  if (validation.plan.measurements().empty()) throw InputError(validation.faults);
  for (const Fault& fault : validation.faults) std::cerr << fault.text() << "\n";
  for (const std::string& file : {arguments.out, arguments.page}) {
    if (!file.empty()) check_can_write(file);
  }
  run_all(validation, arguments, library);
  std::cout << score_text(validation.plan);
  if (!arguments.out.empty()) write_file(predictions_csv(validation.plan), arguments.out);
  if (!arguments.page.empty()) write_file(accuracy_page(validation.plan), arguments.page);
  for (const std::string& file : {arguments.out, arguments.page}) {
    if (!file.empty()) std::cout << fmt::format("\nWritten to {}\n", file);
  }
  if (validation.interrupted) return kExitInterrupted;
  return validation.any_predicted() ? kExitDone : kExitBadInput;
}

}  // namespace

void add_validate(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("validate", "Score predictions against published measurements");
  const auto arguments = std::make_shared<ValidateArguments>();
  command->add_option("TABLE", arguments->files, "CSV tables of measurements, see docs/formats.md")->required();
  command
      ->add_option("--profile", arguments->profiles,
                   "Your own device profile; its file name is the slug it stands for")
      ->allow_extra_args(false);
  command->add_option("--out", arguments->out, "Write id, metric, predicted, unit, status");
  command->add_option("--accuracy", arguments->page, "Write the scores as a Markdown page");
  command
      ->add_option("--routing", arguments->routing,
                   "How tokens choose experts where a row does not say: calibrated (the router "
                   "kernel), or balanced or uniform to see what it is worth")
      ->check(CLI::IsMember(allowed_words<TokenPolicy>(kRoutings)));
  command
      ->add_option("--draws", arguments->draws,
                   "Draws of everything uncertain, to see how many intervals hold (0)")
      ->check(CLI::Range(0, 1000));
  command->add_option("--jobs", arguments->jobs, "Simulations at once")->check(CLI::Range(1, 1024));
  command->callback([&code, arguments] { code = validate(*arguments); });
}

}  // namespace moesim
