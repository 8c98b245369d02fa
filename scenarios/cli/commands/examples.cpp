#include "scenarios/cli/commands/examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <vector>

#include "base/data_folder.h"
#include "base/document.h"
#include "scenarios/cli/commands/exit_code.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

std::string question_of(const fs::path& scenario) {
  const std::string name = scenario.string();
  Faults faults;
  MapReader reader(Value(parse_document(read_file(name), name), name, "", &faults));
  return reader.text_or("question", "");
}

// Names of the files of the shipped folder that scenarios may read, relative to it.
std::vector<fs::path> data_files(const fs::path& shipped) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(shipped / "data", error)) {
    if (entry.is_regular_file()) files.push_back("data" / entry.path().filename());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void refuse_present(const std::vector<fs::path>& files, const fs::path& folder) {
  Faults faults;
  for (const fs::path& file : files) {
    if (!fs::exists(fs::symlink_status(folder / file))) continue;
    faults.add({(folder / file).string(), 0, "", "",
                "is there already and stays as it is; name another folder"});
  }
  faults.throw_if_any();
}

void copy_all(const std::vector<fs::path>& files, const fs::path& shipped, const fs::path& folder) {
  for (const fs::path& file : files) {
    const fs::path to = folder / file;
    std::error_code error;
    fs::create_directories(to.parent_path(), error);
    if (!error) fs::copy_file(shipped / file, to, error);
    if (error)
      throw InputError({{to.string(), 0, "", error.message(), "a folder that can be written"}});
  }
}

}  // namespace

int examples_command(const ExamplesArguments& arguments) {
  const fs::path shipped = data_folder("scenarios");
  std::vector<fs::path> scenarios;
  for (const std::string& stem : file_stems(shipped.string(), ".yaml")) {
    scenarios.push_back(stem + ".yaml");
  }
  const std::vector<fs::path> data = data_files(shipped);
  const fs::path folder = arguments.list ? "" : arguments.folder;
  if (!arguments.list) {
    std::vector<fs::path> all = scenarios;
    all.insert(all.end(), data.begin(), data.end());
    refuse_present(all, folder);
    copy_all(all, shipped, folder);
  }
  for (const fs::path& scenario : scenarios) {
    const fs::path shown = arguments.list ? scenario.stem() : folder / scenario;
    std::cout << fmt::format("{}\n    {}\n", shown.string(), question_of(shipped / scenario));
  }
  if (arguments.list) return kExitDone;
  for (const fs::path& file : data) std::cout << (folder / file).string() << "\n";
  std::cout << fmt::format("\nWritten to {}; moesim run {} answers a question.\n", folder.string(),
                           (folder / "quickstart.yaml").string());
  return kExitDone;
}

}  // namespace moesim
