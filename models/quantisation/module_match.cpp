#include "models/quantisation/module_match.h"

#include <algorithm>
#include <regex>
#include <set>

namespace moesim {
namespace {

constexpr std::size_t kLongestPattern = 500;

// Whether `pattern` of *, ? and [...] matches the whole text. The last star takes what is needed.
bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, after = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_expression(const std::string& entry) {
  return entry.starts_with("re:");
}
bool is_glob(const std::string& entry) {
  return entry.find_first_of("*?") != std::string::npos;
}

// The module and all that it lies in: "a.b.c", "a.b", "a".
std::vector<std::string> with_containers(const std::string& module) {
  std::vector<std::string> names = {module};
  for (std::size_t dot = module.rfind('.'); dot != std::string::npos && dot > 0;
       dot = module.rfind('.', dot - 1)) {
    names.push_back(module.substr(0, dot));
  }
  return names;
}

}  // namespace

struct RuleIndex::Pattern {
  std::size_t rule;
  std::string glob;  // Or an expression:
  std::regex expression;

  // As Python's re.match: from the start of the name, to anywhere.
  bool matches(const std::string& module, const std::vector<std::string>& containers) const {
    if (glob.empty()) {
      return std::regex_search(module, expression, std::regex_constants::match_continuous);
    }
    return std::any_of(containers.begin(), containers.end(),
                       [this](const std::string& name) { return glob_matches(glob, name); });
  }
};

RuleIndex::RuleIndex(RuleIndex&&) noexcept = default;
RuleIndex::~RuleIndex() = default;

// The expressions run without backtracking, so that none takes longer than its length times the
// name's; repeats by count would make long ones of short ones.
RuleIndex::RuleIndex(const std::vector<FormatRule>& rules) : rules_(rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const FormatRule& rule = rules[i];
    if (!is_expression(rule.entry) && !is_glob(rule.entry)) {
      plain_[rule.entry].push_back(i);
      continue;
    }
    if (!is_expression(rule.entry)) {
      patterns_.push_back({i, rule.entry, {}});
      continue;
    }
    const std::string text = rule.entry.substr(3);
    if (text.size() > kLongestPattern || text.find('{') != std::string::npos) {
      rule.place.fault("a regular expression of at most 500 characters without {} expected");
      continue;
    }
    try {
      patterns_.push_back(
          {i, "", std::regex(text, std::regex::ECMAScript | std::regex_constants::__polynomial)});
    } catch (const std::regex_error&) {
      rule.place.fault("a regular expression expected", rule.entry);
    }
  }
}

std::vector<const FormatRule*> RuleIndex::find(const std::string& module) const {
  std::set<std::size_t> found;
  const std::vector<std::string> containers = with_containers(module);
  if (!plain_.empty()) {
    // An entry may leave out components at the front: "mlp.experts".
    for (const std::string& name : containers) {
      for (std::size_t at = 0; at != std::string::npos;) {
        const auto entry = plain_.find(name.substr(at));
        if (entry != plain_.end()) found.insert(entry->second.begin(), entry->second.end());
        at = name.find('.', at);
        if (at != std::string::npos) ++at;
      }
    }
  }
  for (const Pattern& pattern : patterns_) {
    if (pattern.matches(module, containers)) found.insert(pattern.rule);
  }
  std::vector<const FormatRule*> rules;
  for (const std::size_t rule : found) rules.push_back(&rules_[rule]);
  return rules;
}

}  // namespace moesim
