#include "scenarios/validate/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <thread>

#include "hardware/profiles.h"
#include "scenarios/commands.h"
#include "scenarios/progress_bar.h"
#include "scenarios/validate/predictions_csv.h"
#include "scenarios/validate/score_text.h"
#include "scenarios/validate/validate.h"

namespace moesim {
namespace {

struct ValidateArguments {
  std::vector<std::string> files;
  std::vector<std::string> profiles;
  std::string out;
  int jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
};

int validate(const ValidateArguments& arguments) {
  Library library;
  for (const std::string& profile : arguments.profiles) library.replace(load_device(profile));
  Validation validation = plan_validation(arguments.files, library);
  if (validation.plan.measurements().empty()) throw InputError(validation.faults);
  for (const Fault& fault : validation.faults) std::cerr << fault.text() << "\n";
  if (!arguments.out.empty()) check_can_write(arguments.out);
  {
    ProgressBar bar(validation.plan.simulations().size());
    run_simulations(validation, library, {arguments.jobs, [&](double share, std::size_t finished) {
                                            bar.update(share, finished);
                                          }});
  }
  std::cout << score_text(validation.plan);
  if (!arguments.out.empty()) {
    write_predictions(validation.plan, arguments.out);
    std::cout << fmt::format("\nWritten to {}\n", arguments.out);
  }
  if (validation.interrupted) return kExitInterrupted;
  return validation.any_predicted() ? kExitDone : kExitBadInput;
}

}  // namespace

void add_validate(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("validate", "Score predictions against published measurements");
  const auto arguments = std::make_shared<ValidateArguments>();
  command->add_option("TABLE", arguments->files, "CSV tables as in ../shared/truth")->required();
  command
      ->add_option("--profile", arguments->profiles,
                   "Your own device profile; its file name is the slug it stands for")
      ->allow_extra_args(false);
  command->add_option("--out", arguments->out, "Write id, metric, predicted, unit, status");
  command->add_option("--jobs", arguments->jobs, "Simulations at once")->check(CLI::Range(1, 1024));
  command->callback([&code, arguments] { code = validate(*arguments); });
}

}  // namespace moesim
