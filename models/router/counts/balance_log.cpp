#include "models/router/counts/balance_log.h"

#include <array>
#include <cstdlib>
#include <string_view>

#include "models/router/recorded/input_file.h"

namespace moesim {

namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;  // Larger files are no log.

struct EngineLine {
  const char* engine;
  std::string_view start;
  std::string_view number;
};
constexpr std::array<EngineLine, 2> kLines = {{
    {"vLLM", "EPLB step:", " balancedness="},
    {"SGLang", "[Expert Balancedness]", "current_pass_balancedness="},
}};

}  // namespace

std::optional<BalanceLog> read_balance_log(const std::string& path) {
  const InputFile file(path);
  if (file.size() > kMostBytes) return std::nullopt;
  BalanceLog log;
  LineReader lines(file);
  while (lines.next()) {
    for (const EngineLine& line : kLines) {
      const std::size_t start = lines.text().find(line.start);
      if (start == std::string_view::npos) continue;
      const std::size_t number = lines.text().find(line.number, start);
      if (number == std::string_view::npos) continue;
      log.engine = line.engine;
      ++log.lines;
      log.balancedness += std::strtod(
          std::string(lines.text().substr(number + line.number.size(), 16)).c_str(), nullptr);
    }
  }
  if (log.lines == 0) return std::nullopt;
  log.balancedness /= static_cast<double>(log.lines);
  return log;
}

}  // namespace moesim
