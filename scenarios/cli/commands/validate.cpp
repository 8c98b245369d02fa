#include "scenarios/cli/commands/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <thread>

#include "hardware/read/profiles.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/run/progress_bar.h"
#include "scenarios/validate/output_file.h"
#include "scenarios/validate/scores/accuracy_page.h"
#include "scenarios/validate/scores/predictions_csv.h"
#include "scenarios/validate/scores/score_text.h"
#include "scenarios/validate/validate.h"

namespace moesim {
namespace {

constexpr std::uint64_t kDrawSeed = 1;

Library library_of(const ValidateArguments& arguments, const Variation& variation) {
  Library library(variation);
  for (const std::string& profile : arguments.profiles) {
    library.replace(load_device(profile, variation));
  }
  return library;
}

Validation plan_of(const ValidateArguments& arguments, const Library& library) {
  Validation validation = plan_validation(arguments.files, library);
  validation.plan.route(from_word<TokenPolicy>(arguments.routing).value());
  return validation;
}

int jobs_of(const ValidateArguments& arguments) {
  return static_cast<int>(
      arguments.jobs.value_or(std::max(1u, std::thread::hardware_concurrency())));
}

// Runs what the tables need, as stated and then draw by draw.
void run_all(Validation& validation, const ValidateArguments& arguments, const Library& stated) {
  const std::size_t each = validation.plan.simulations().size();
  const std::size_t total = each * static_cast<std::size_t>(1 + arguments.samples);
  ProgressBar bar;
  for (std::int64_t draw = 0; draw <= arguments.samples && !validation.interrupted; ++draw) {
    const auto done = static_cast<std::size_t>(draw);
    const double parts = static_cast<double>(1 + arguments.samples);
    const ValidateOptions options{
        jobs_of(arguments), [&](double share, std::size_t finished) {
          bar.update({(static_cast<double>(done) + share) / parts, done * each + finished, total});
        }};
    if (draw == 0) {
      run_simulations(validation, stated, options);
      continue;
    }
    const Library library = library_of(arguments, {kDrawSeed, draw, arguments.samples});
    Validation drawn = plan_of(arguments, library);
    run_simulations(drawn, library, options);
    validation.interrupted = drawn.interrupted;
    if (!drawn.interrupted) validation.plan.add_sample(drawn.plan);
  }
}

}  // namespace

int validate_command(const ValidateArguments& arguments) {
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

}  // namespace moesim
