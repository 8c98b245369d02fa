// Logs of serving engines about the balance of their experts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moesim {

// Lines such as vLLM's "EPLB step: 100 for model ...: avg_tokens=512.00, max_tokens=1024,
// balancedness=0.5000" and SGLang's "[Expert Balancedness] ... current_pass_balancedness=0.61 ...".
struct BalanceLog {
  std::string engine;
  std::int64_t lines = 0;
  double balancedness = 0;  // Mean over the lines: mean over fullest load of the EP ranks.
};

// Nothing if the file has no such line, or more than 1 GiB. Throws: InputError if it cannot be read.
std::optional<BalanceLog> read_balance_log(const std::string& path);

}  // namespace moesim
