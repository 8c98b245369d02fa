#include "hardware/read/profile_reference.h"

#include <fmt/format.h>

#include <iterator>

#include "hardware/read/profile_tables.h"

namespace moesim {
namespace {

template <class T>
ProfileTable table(const std::string& kind, const std::string& about, const ProfileKeys<T>& keys) {
  ProfileTable result{kind, about, {}};
  for (const ProfileKey<T>& row : keys) {
    const bool is_fact = row.certainty != Certainty::kGiven;
    result.rows.push_back(
        {row.key.facts, is_fact ? word_of(row.enters) : "", row.certainty == Certainty::kPrice});
  }
  return result;
}

std::string shown(double si, Dimension dimension) {
  return quantity_text(si, dimension);
}

// "100 W to 1 MW", "a number from 0.1 to 1", "one of switch, mesh, tree, torus".
struct FormText {
  std::string operator()(const form::Whole& whole) const {
    return fmt::format("whole, {} to {}", whole.min, whole.max);
  }
  std::string operator()(const form::Number& number) const {
    return fmt::format("number, {:g} to {:g}", number.min, number.max);
  }
  std::string operator()(const form::Quantity& quantity) const {
    return fmt::format("{} to {}", shown(quantity.min, quantity.dimension),
                       shown(quantity.max, quantity.dimension));
  }
  std::string operator()(const form::Words& words) const {
    return "one of " + comma_list(words.words);
  }
  std::string operator()(const form::Name&) const { return "name or path"; }
  std::string operator()(const form::List&) const { return "list of files"; }
  std::string operator()(const form::Map& map) const {
    return "by format: " + std::visit(*this, map.others.front().form);
  }
  template <class Form>
  std::string operator()(const Form&) const {
    return "text";
  }
};

std::string form_text(const ProfileRow& row) {
  return std::visit(FormText{}, row.facts.form) + (row.is_price ? ", with date" : "");
}

// "fat trees; otherwise 3"; empty for keys that every profile of the kind has.
std::string condition_text(const KeyFacts& facts) {
  if (facts.required()) return facts.applies;
  return facts.applies + (facts.applies.empty() ? "" : "; ") + "otherwise " + facts.fallback.text;
}

}  // namespace

std::vector<ProfileTable> profile_tables() {
  return {table("devices", "One accelerator.", device_keys()),
          table("nodes", "A server, or a rack that is one scale-up domain.", node_keys()),
          table("fabrics", "The network between nodes.", fabric_keys()),
          table("links", "Latencies and reached bandwidth of a link technology.", link_keys()),
          table("kernels", "All-to-all kernels of libraries and of expert-parallel dispatch.",
                all_to_all_keys()),
          table("families", "Kernels and power of a hardware generation.", family_keys()),
          table("backends", "Launch cost of CUDA, ROCm, Metal or Vulkan.", backend_keys()),
          table("sites", "Overhead, carbon and price of electricity.", site_profile_keys()),
          table("errors/serving", "Errors of predictions, as measured against published runs.",
                error_keys()),
          table("errors/measured", "Errors of tables of measured kernels.", table_error_keys())};
}

std::string profile_keys_text() {
  std::string out;
  for (const ProfileTable& one : profile_tables()) {
    for (const ProfileRow& row : one.rows) {
      const std::string condition = condition_text(row.facts);
      fmt::format_to(std::back_inserter(out), "{:<38} {} ({}{}{})\n",
                     one.kind + "." + row.facts.name, row.facts.meaning, form_text(row),
                     condition.empty() ? "" : "; ", condition);
    }
  }
  return out;
}

std::string profile_keys_markdown() {
  std::string out =
      "# Keys of hardware profiles\n\n"
      "Written by `moesim list profile-keys --markdown`. `hardware/profiles/README.md` describes "
      "the "
      "format of a profile and how to add one. \"Enters\" is the part of a prediction that a "
      "number enters first: time enters everything timed, so also energy, carbon and money.\n";
  for (const ProfileTable& one : profile_tables()) {
    fmt::format_to(std::back_inserter(out),
                   "\n## {}/\n{}\n\n"
                   "| key | meaning | value | given | enters |\n| --- | --- | --- | --- | --- |\n",
                   one.kind, one.about);
    for (const ProfileRow& row : one.rows) {
      const std::string condition = condition_text(row.facts);
      fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {} |\n", row.facts.name,
                     row.facts.meaning, form_text(row), condition.empty() ? "always" : condition,
                     row.enters);
    }
  }
  return out;
}

}  // namespace moesim
