#include "scenarios/cli/run_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "base/input_error.h"

namespace moesim {

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

Shard shard_of(const RunArguments& arguments) {
  const std::string& text = arguments.shard;
  Shard shard;
  if (text.empty()) return shard;
  const char* end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool has_slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto of = has_slash ? std::from_chars(index.ptr + 1, end, shard.of) : index;
  if (!has_slash || of.ec != std::errc() || of.ptr != end || shard.of < 1 || shard.index < 1 ||
      shard.index > shard.of) {
    throw InputError({{"--shard", 0, "", text, "i/n expected, from 1/n to n/n, e.g. 2/8"}});
  }
  return shard;
}

std::string out_folder(const RunArguments& arguments, const std::string& file) {
  const std::string stem = std::filesystem::path(file).stem().string();
  std::string folder = arguments.out.empty()         ? "out/" + stem
                       : arguments.files.size() == 1 ? arguments.out
                                                     : arguments.out + "/" + stem;
  const Shard shard = shard_of(arguments);
  if (!arguments.shard.empty()) folder += fmt::format("/shard-{}-of-{}", shard.index, shard.of);
  return folder;
}

std::int64_t draws_of(const RunArguments& arguments, const Scenario& scenario) {
  constexpr std::int64_t kDraws = 10;
  return arguments.draws.value_or(scenario.rows.size() <= kMostDetailedCases ? kDraws : 0);
}

}  // namespace moesim
