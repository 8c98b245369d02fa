#include "scenarios/cli/commands/publish.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "reports/render/json/report_json.h"
#include "reports/render/report_markdown.h"
#include "reports/render/text/report_text.h"
#include "reports/render/write_report.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/run/database.h"

namespace moesim {
namespace {

constexpr int kDefaultWidth = 100;

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

}  // namespace

int publish(const OutputArguments& arguments, const Report& report, const std::string& folder,
            const std::string& also_written) {
  if (report.cases.empty()) {
    fmt::print(
        stderr,
        "moesim: no report is written, for it would not fit into memory: these are more rows "
        "than the 100,000 that it may have; all are in {}/{}, table cases\n",
        folder, kDatabaseFile);
    return report.interrupted ? kExitInterrupted : report.failures ? kExitFailed : kExitDone;
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
  if (report.failures) return kExitFailed;
  const bool any_done = std::any_of(report.cases.begin(), report.cases.end(), [](const auto& one) {
    return one.status == CaseStatus::kDone;
  });
  return any_done ? kExitDone : kExitNothingFeasible;
}

}  // namespace moesim
