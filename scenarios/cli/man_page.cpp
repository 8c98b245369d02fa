#include "scenarios/cli/man_page.h"

#include <fmt/format.h>

#include <utility>

#include "scenarios/cli/commands/exit_code.h"

namespace moesim {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

// Text that troff prints as it stands.
std::string plain(const std::string& text) {
  std::string out = text.starts_with(".") || text.starts_with("'") ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string bold(const std::string& text) {
  return "\\fB" + plain(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + plain(text) + "\\fR";
}

// A term and, indented below it, what it means. The term is troff already.
std::string entry(const std::string& term, const std::string& meaning) {
  return ".TP\n" + term + "\n" + plain(meaning) + "\n";
}

std::string entries(const Entries& all) {
  std::string out;
  for (const auto& [term, meaning] : all) out += entry(bold(term), meaning);
  return out;
}

std::string option_entry(const Option& option) {
  if (option.is_positional()) {
    const bool has_help = !option.help.empty();
    return entry(italic(option.name),
                 has_help ? full_help(option) : "One of " + value_text(option));
  }
  const std::string value = value_text(option);
  return entry(bold(option.name) + (value.empty() ? "" : " " + italic(value)), full_help(option));
}

std::string command_section(const Command& command) {
  std::string out = ".SS " + plain(usage_text(command)) + "\n" + plain(command.help) + ".\n";
  for (const Option& option : command.options) out += option_entry(option);
  return out;
}

const Entries& exit_codes() {
  static const Entries kCodes = {
      {std::to_string(kExitDone), "Done."},
      {std::to_string(kExitBadInput),
       "Bad input: every fault is printed with file, line, key, value and what is allowed. Or a "
       "simulation ended without a result: the report holds the others."},
      {std::to_string(kExitUsage), "The command line has an unknown command, option or value."},
      {std::to_string(kExitNothingFeasible), "No case of the scenario can run."},
      {std::to_string(kExitInterrupted),
       "Interrupted. The report holds the cases that were finished."}};
  return kCodes;
}

const Entries& variables() {
  static const Entries kVariables = {
      {"MOESIM_DATA",
       "Folder of models, hardware profiles, engines and examples, instead of the "
       "shipped one."},
      {"MOESIM_NO_BUILD",
       "If set, the launcher of the source tree runs the program as it was "
       "built. It never builds under mpirun or Slurm."},
      {"XDG_CACHE_HOME",
       "Where routed tokens are kept for later runs, in its folder moesim; by "
       "default ~/.cache."}};
  return kVariables;
}

const Entries& files() {
  static const Entries kFiles = {
      {"out/NAME/report.html", "The report of NAME.yaml as a page that needs no network."},
      {"out/NAME/report.json", "All of it for other programs; see moesim schema report."},
      {"out/NAME/cases.csv", "One row for each case, one column for each metric."},
      {"out/NAME/sweep.db", "Finished rows of a sweep (SQLite), which a later run continues."}};
  return kFiles;
}

const Entries& examples() {
  static const Entries kExamples = {
      {"moesim examples", "Copy the shipped questions into the folder moesim-examples."},
      {"moesim run moesim-examples/quickstart.yaml", "Answer one of them."},
      {"moesim run question.yaml --set moe.model.top_k=4", "The same with one key changed."},
      {"mpirun -n 64 moesim run sweep.yaml", "Share a sweep between the ranks of an MPI job."},
      {"moesim explain out/quickstart/report.json mixtral llama",
       "Why one case costs more than another."}};
  return kExamples;
}

}  // namespace

std::string man_page(const std::vector<Command>& commands) {
  std::string synopsis, sections;
  for (const Command& command : commands) {
    synopsis += (synopsis.empty() ? "" : ".br\n") + plain(usage_text(command)) + "\n";
    sections += command_section(command);
  }
  return ".TH MOESIM 1 \"\" \"moesim " MOESIM_VERSION
         "\" \"User Commands\"\n"
         ".SH NAME\nmoesim \\- what a Mixture\\-of\\-Experts deployment costs, against a dense "
         "one\n"
         ".SH SYNOPSIS\n.nh\n" +
         synopsis +
         ".hy\n"
         ".SH DESCRIPTION\n" +
         plain(
             "A discrete-event simulator of Mixture-of-Experts (MoE) deployments. A scenario file "
             "names models, hardware and traffic; moesim routes generated or recorded tokens "
             "through a router, simulates serving, and reports memory, time, communication, "
             "energy, carbon and money of every case side by side.") +
         "\n.SH COMMANDS\n" + plain("Each command also takes --help.") + "\n" + sections +
         ".SH EXIT STATUS\n" + entries(exit_codes()) + ".SH ENVIRONMENT\n" + entries(variables()) +
         ".SH FILES\n" + entries(files()) + ".SH EXAMPLES\n" + entries(examples());
}

}  // namespace moesim
