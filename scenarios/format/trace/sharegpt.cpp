#include "scenarios/format/trace/sharegpt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/quantity.h"
#include "scenarios/format/keys/length_keys.h"
#include "scenarios/format/trace/text_tokens.h"

namespace moesim {
namespace {

constexpr const char* kTurns = "conversations";

// Of a text in UTF-8, whose other bytes begin with the bits 10.
std::int64_t characters(const std::string& text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

}  // namespace

ShareGpt::ShareGpt(std::optional<double> characters_per_token, const Variation& variation) {
  TextTokens rule;
  if (characters_per_token) {
    rule = {*characters_per_token, "as the scenario states"};
  } else {
    rule = text_tokens(variation);
  }
  characters_per_token_ = rule.characters_per_token;
  estimate_ = fmt::format("tokens are estimated, one for {:g} characters ({})",
                          rule.characters_per_token, rule.source);
}

std::optional<std::int64_t> ShareGpt::tokens(const TraceRow& row,
                                             const nlohmann::json& turn) const {
  const auto text = turn.is_object() ? turn.find("value") : turn.end();
  if (!turn.is_object() || text == turn.end() || !text->is_string()) {
    row.fault(kTurns, "a turn without text",
              "a list of {from: human or gpt, value: TEXT} expected");
    return std::nullopt;
  }
  const double count = std::round(
      static_cast<double>(characters(text->get_ref<const std::string&>())) / characters_per_token_);
  if (count <= static_cast<double>(kTokens.max)) {
    return std::max<std::int64_t>(static_cast<std::int64_t>(count), kTokens.min);
  }
  row.fault(kTurns, fmt::format("a text of {:g} tokens", count),
            fmt::format("at most {} expected", kTokens.max));
  return std::nullopt;
}

void ShareGpt::read(const TraceRow& row, TraceRequests& to) {
  const nlohmann::json* turns = row.find(kTurns);
  if (turns == nullptr || !turns->is_array()) {
    row.fault(kTurns, "a list of {from: human or gpt, value: TEXT} expected");
    return;
  }
  if (turns->size() < 2) {
    to.leave_out(LeftOut::kUnanswered);
    return;
  }
  const auto input = tokens(row, (*turns)[0]);
  const auto output = tokens(row, (*turns)[1]);
  if (!input || !output) return;
  later_turns_ += static_cast<std::int64_t>(turns->size()) - 2;
  to.add(row.line(), 0, *input, *output);
}

std::vector<std::string> ShareGpt::notes() const {
  if (later_turns_ == 0) return {};
  return {
      fmt::format("a request is the first turn of a conversation and its answer; later turns are "
                  "not used ({})",
                  thousands(later_turns_))};
}

}  // namespace moesim
