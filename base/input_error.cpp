#include "base/input_error.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "base/text_guard.h"

namespace moesim {

namespace {

// What was found may be a whole file.
constexpr std::size_t kMostShown = 200;

// Without a character cut in two.
std::string beginning_of(const std::string& text) {
  if (text.size() <= kMostShown) return text;
  std::size_t end = kMostShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

std::string Fault::text() const {
  std::string out = escaped(file);
  if (line > 0) out += ":" + std::to_string(line);
  for (const std::string& part :
       {escaped(beginning_of(path)), escaped(beginning_of(value)), escaped(allowed)}) {
    if (part.empty()) continue;
    if (!out.empty()) out += ": ";
    out += part;
  }
  return out;
}

namespace {
std::string joined(const std::vector<Fault>& faults) {
  std::string out;
  for (const Fault& fault : faults) {
    if (!out.empty()) out += "\n";
    out += fault.text();
  }
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

// "gh200-96gb" -> gh200, 96gb.
std::vector<std::string_view> parts_of(std::string_view name) {
  constexpr std::string_view kBetween = "-_./ ";
  std::vector<std::string_view> parts;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of(kBetween), name.size());
    if (end > 0) parts.push_back(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return parts;
}

// A part that the word leaves out, in slips.
constexpr double kLeftOut = 0.25;

// Slips between a word and a name that has all parts of it; no number if it has not.
std::optional<double> left_out_distance(std::string_view word, std::string_view name) {
  std::vector<std::string_view> rest = parts_of(name);
  const std::vector<std::string_view> wanted = parts_of(word);
  for (const std::string_view part : wanted) {
    const auto found = std::find(rest.begin(), rest.end(), part);
    if (found == rest.end()) return std::nullopt;
    rest.erase(found);
  }
  if (wanted.empty()) return std::nullopt;
  return kLeftOut * static_cast<double>(rest.size());
}

double name_distance(std::string_view word, std::string_view name) {
  const double slips = static_cast<double>(edit_distance(word, name));
  return std::min(slips, left_out_distance(word, name).value_or(slips));
}
}  // namespace

InputError::InputError(std::vector<Fault> faults)
    : std::runtime_error(joined(faults)), faults_(std::move(faults)) {}

std::string Faults::advice_on(std::string_view key) const {
  if (advice_ == nullptr) return "";
  const auto found = advice_->find(key);
  return found == advice_->end() ? "" : found->second;
}

void Faults::throw_if_any() const {
  if (!faults_.empty()) throw InputError(faults_);
}

std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates,
                                 std::size_t most) {
  const std::string wanted = lower_case(word);
  // One slip in a word of two letters, two in a short one (letters swapped), a third of a longer
  // one.
  const std::size_t slips = word.size() < 3 ? 1 : std::max<std::size_t>(2, word.size() / 3);
  std::vector<std::pair<double, std::string>> near;
  for (const std::string& candidate : candidates) {
    const double distance = name_distance(wanted, lower_case(candidate));
    if (distance <= static_cast<double>(slips)) near.emplace_back(distance, candidate);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [distance, name] : near) {
    if (names.size() < most) names.push_back(std::move(name));
  }
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string> near = nearest(word, candidates, 1);
  return near.empty() ? "" : near.front();
}

std::string nearest_text(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string> near = nearest(word, candidates);
  return near.empty() ? "" : "did you mean " + comma_list(near, " or ") + "? ";
}

std::string expected_name(std::string_view word, const std::vector<std::string>& names,
                          const std::string& where_listed) {
  constexpr std::size_t kShortList = 12;
  const std::string near = nearest_text(word, names);
  if (names.size() > kShortList) return near + where_listed;
  return near + "one of " + comma_list(names) + " expected";
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string comma_list(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? last : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace moesim
