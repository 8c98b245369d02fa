// Which rules name a module.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "models/quantisation/format_rules.h"

namespace moesim {

// The entries of a list, found by the names of modules. Keeps a reference to the list.
class RuleIndex {
 public:
  // Patterns that are none become faults at their place.
  explicit RuleIndex(const std::vector<FormatRule>& rules);
  RuleIndex(RuleIndex&&) noexcept;
  ~RuleIndex();

  // The rules that name the module, in the order of the list, each once.
  std::vector<const FormatRule*> find(const std::string& module) const;

 private:
  struct Pattern;
  const std::vector<FormatRule>& rules_;
  std::unordered_map<std::string, std::vector<std::size_t>> plain_;  // By entry.
  std::vector<Pattern> patterns_;
};

}  // namespace moesim
