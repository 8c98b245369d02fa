// Completion and the manual page offer what help does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "tests/cli/outcome.h"

namespace moesim {
namespace {

using Names = std::set<std::string>;

Names lines_of(const std::string& text) {
  Names lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

// First words of the indented lines of a help that begin like `start`.
Names names_in_help(const Workplace& place, const std::vector<std::string>& arguments,
                    const std::string& heading, const std::string& start) {
  const std::string help = place.run(arguments).out;
  Names names;
  std::istringstream in(help.substr(std::min(help.find(heading), help.size())));
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("  " + start) || line.starts_with("   ")) continue;
    std::string name;
    std::istringstream(line) >> name;
    names.insert(name);
  }
  return names;
}

Names commands_of(const Workplace& place) {
  return names_in_help(place, {"--help"}, "Subcommands:", "");
}

Names options_of(const Workplace& place, const std::string& command) {
  return names_in_help(place, {command, "--help"}, "Options:", "--");
}

// What bash offers for the last of the words after the program's name.
Names completions(const Workplace& place, const std::vector<std::string>& words) {
  place.write("complete.bash",
              "program=$1; shift; source <(\"$program\" completion bash)\n"
              "COMP_WORDS=(\"$program\" \"$@\"); COMP_CWORD=$#; _moesim\n"
              "for reply in \"${COMPREPLY[@]}\"; do echo \"$reply\"; done\n");
  const Outcome outcome = place.finish(place.start(words, {"bash", "complete.bash"}));
  EXPECT_EQ(outcome.err, "");
  return lines_of(outcome.out);
}

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null").c_str()) == 0;
}

TEST(Completion, OffersEveryCommandAndOption) {
  const Workplace place;
  Names commands = commands_of(place);
  ASSERT_GT(commands.size(), 9u);
  for (const std::string& command : commands) {
    Names options = options_of(place, command);
    options.insert("--help");
    EXPECT_EQ(completions(place, {command, "--"}), options) << command;
  }
  commands.insert({"--help", "--version"});
  EXPECT_EQ(completions(place, {""}), commands);
  EXPECT_EQ(completions(place, {"ch"}), Names{"check"});
}

TEST(Completion, OffersTheWordsOfAChoice) {
  const Workplace place;
  const Names placements = {"linear", "round_robin", "eplb", "coactivation"};
  EXPECT_EQ(completions(place, {"route", "x", "--placement", ""}), placements);
  EXPECT_EQ(completions(place, {"route", "x", "--placement", "="}), placements);
  EXPECT_EQ(completions(place, {"route", "x", "--placement", "=", "co"}), Names{"coactivation"});
  EXPECT_EQ(completions(place, {"list", ""}),
            (Names{"models", "hardware", "metrics", "keys", "profile-keys"}));
}

TEST(Completion, OffersNamesThatTheProgramKnows) {
  const Workplace place;
  EXPECT_EQ(completions(place, {"show", "--json", "h100-sxm-80"}), Names{"h100-sxm-80gb"});
  EXPECT_EQ(completions(place, {"show", "olmoe-1b"}), Names{"olmoe-1b-7b"});
  EXPECT_EQ(completions(place, {"show", "fat-tree", "--node", "dgx-h100"}), Names{"dgx-h100"});
  EXPECT_EQ(completions(place, {"route", "h100-sxm-80"}), Names{});  // No model.
}

TEST(Completion, OffersFilesThatTheCommandReads) {
  const Workplace place;
  place.write("a b.yaml", "");
  place.write("c.db", "");
  std::filesystem::create_directory(place.path("folder"));
  EXPECT_EQ(completions(place, {"run", ""}), (Names{"a b.yaml", "folder"}));
  EXPECT_EQ(completions(place, {"run", "x.yaml", "--set", "a=1", ""}),
            (Names{"a b.yaml", "folder"}));
  EXPECT_EQ(completions(place, {"merge", "--out", ""}), Names{"folder"});
  EXPECT_EQ(completions(place, {"merge", ""}), (Names{"c.db", "folder"}));
  EXPECT_EQ(completions(place, {"explain", "x.yaml", ""}), Names{});  // The name of a case.
}

TEST(Completion, OfZshNamesEveryCommandAndOption) {
  const Workplace place;
  const std::string script = place.run({"completion", "zsh"}).out;
  EXPECT_TRUE(script.starts_with("#compdef moesim\n"));
  for (const std::string& command : commands_of(place)) {
    const std::size_t start = script.find("\n    " + command + ") _arguments");
    ASSERT_NE(start, std::string::npos) << command;
    const std::string arguments = script.substr(start, script.find(";;", start) - start);
    for (const std::string& option : options_of(place, command)) {
      EXPECT_TRUE(contains(arguments, option + "[") || contains(arguments, option + "=["))
          << command << " " << option;
    }
  }
  if (!has_program("zsh")) GTEST_SKIP() << "no zsh";
  place.write("_moesim", script);
  EXPECT_EQ(std::system(("zsh -n " + place.path("_moesim")).c_str()), 0);
}

TEST(Manual, HasEveryCommandAndOption) {
  const Workplace place;
  const std::string page = place.run({"man"}).out;
  for (const std::string& command : commands_of(place)) {
    const std::size_t start = page.find(".SS moesim " + command + " ");
    ASSERT_NE(start, std::string::npos) << command;
    const std::string section = page.substr(start, page.find("\n.S", start + 1) - start);
    for (std::string option : options_of(place, command)) {
      for (std::size_t i = 0; (i = option.find('-', i)) != std::string::npos; i += 2) {
        option.insert(i, "\\");
      }
      EXPECT_TRUE(contains(section, "\\fB" + option + "\\fR")) << command << " " << option;
    }
  }
}

TEST(Manual, IsCleanTroff) {
  if (!has_program("groff")) GTEST_SKIP() << "no groff";
  const Workplace place;
  place.write("moesim.1", place.run({"man"}).out);
  const std::string command = "groff -ww -man -Tutf8 -z " + place.path("moesim.1") + " >" +
                              place.path("warnings") + " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(place.read("warnings"), "");
}

}  // namespace
}  // namespace moesim
