// A small valid scenario for tests to spoil, and what reading it says.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "base/input_error.h"
#include "scenarios/cases/scenario.h"

namespace moesim {

// Line 4 holds the requests, 5 the lengths, 8 the model and 9 the cluster of the one case "a".
inline const std::string kDense =
    "schema: 1\n"
    "name: base\n"
    "workload:\n"
    "  requests: {static: {batch: 4}}\n"
    "  lengths: {input: 32, output: 8}\n"
    "cases:\n"
    "  - name: a\n"
    "    model: qwen3-8b\n"
    "    cluster: {node: dgx-h100}\n";

// `text` with the one place that says `from` changed. Throws: std::logic_error if there is none.
inline std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("no \"" + from + "\" in the test's text");
  return text.replace(at, from.size(), to);
}

// The same with an MoE of 128 experts.
inline const std::string kMoe = changed(kDense, "qwen3-8b", "qwen3-30b-a3b");

inline Scenario read_text(const std::string& text, const std::vector<Setting>& settings = {}) {
  return read_scenario_text(text, "s.yaml", settings);
}

// The message for a text that is refused; "" if it is not.
inline std::string refusal(const std::string& text, const std::vector<Setting>& settings = {}) {
  try {
    read_text(text, settings);
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

}  // namespace moesim
