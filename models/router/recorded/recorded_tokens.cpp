#include "models/router/recorded/recorded_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "models/router/kernel/router_kernel.h"

namespace moesim {

namespace {

std::string place_text(const TokenPlace& place) {
  return fmt::format("token {}, layer {}", place.token, place.layer);
}

std::string number_list(const std::vector<std::int64_t>& numbers) {
  constexpr std::size_t kMost = 12;
  std::vector<std::string> words;
  for (const std::int64_t number : numbers) {
    if (words.size() == kMost) {
      words.push_back(fmt::format("and {} more", numbers.size() - kMost));
      break;
    }
    words.push_back(std::to_string(number));
  }
  return comma_list(words);
}

}  // namespace

RoutingShape::RoutingShape(const ModelSpec& spec, const std::string& file) : model(spec.name) {
  if (!spec.is_moe()) {
    refuse_file(file, fmt::format("routing for {}, which has no experts", spec.name),
                "a mixture-of-experts model");
  }
  all_layers = static_cast<std::int64_t>(spec.layers.size());
  for (std::size_t l = 0; l < spec.layers.size(); ++l) {
    if (spec.layers[l].moe) moe_layers.push_back(static_cast<std::int64_t>(l));
  }
  num_experts = spec.moe().num_experts;
  outputs = gate_outputs(spec.moe());
  top_k = spec.moe().top_k;
  if (outputs > kNoExpert) {
    refuse_file(file, fmt::format("routing for {} experts", outputs),
                fmt::format("at most {}", kNoExpert));
  }
}

bool RoutingShape::has_experts(std::int64_t layer) const {
  return std::binary_search(moe_layers.begin(), moe_layers.end(), layer);
}

TokenChecker::TokenChecker(const RoutingShape& shape, FileFaults& faults)
    : outputs_(shape.outputs),
      faults_(faults),
      last_token_(static_cast<std::size_t>(shape.outputs), 0) {}

void TokenChecker::take(std::span<const std::int64_t> ids, const TokenPlace& place,
                        std::span<std::uint16_t> out) {
  ++token_;
  std::size_t taken = 0;
  bool wrong = false;
  for (const std::int64_t id : ids) {
    if (id == -1) continue;
    if (id < 0 || id >= outputs_ || last_token_[static_cast<std::size_t>(id)] == token_) {
      wrong = true;
      break;
    }
    last_token_[static_cast<std::size_t>(id)] = token_;
    out[taken++] = static_cast<std::uint16_t>(id);
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(taken), out.end(), kNoExpert);
  if (wrong) report(ids, place);
}

void TokenChecker::report(std::span<const std::int64_t> ids, const TokenPlace& place) {
  if (!faults_.room()) {
    faults_.add(0, "", "", "");
    return;
  }
  for (std::size_t j = 0; j < ids.size(); ++j) {
    const std::int64_t id = ids[j];
    if (id == -1) continue;
    if (id < -1 || id >= outputs_) {
      faults_.add(place.line, place_text(place), fmt::format("expert {}", id),
                  fmt::format("0 to {}, or -1 for none", outputs_ - 1));
    } else if (std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(j), id) !=
               ids.begin() + static_cast<std::ptrdiff_t>(j)) {
      faults_.add(place.line, place_text(place), fmt::format("expert {} twice", id),
                  "different experts in one token");
    }
  }
}

std::optional<std::vector<std::int64_t>> layer_slots(const RoutingShape& shape,
                                                     const std::vector<bool>& seen,
                                                     FileFaults& faults) {
  std::vector<std::int64_t> found;
  for (std::size_t l = 0; l < seen.size(); ++l) {
    if (seen[l]) found.push_back(static_cast<std::int64_t>(l));
  }
  std::vector<std::int64_t> counted(shape.moe_layers.size());
  std::iota(counted.begin(), counted.end(), 0);
  if (found == shape.moe_layers || found == counted) {
    std::vector<std::int64_t> slots(seen.size(), -1);
    for (std::size_t i = 0; i < found.size(); ++i) {
      slots[static_cast<std::size_t>(found[i])] = static_cast<std::int64_t>(i);
    }
    return slots;
  }
  std::vector<std::int64_t> missing, foreign;
  std::set_difference(shape.moe_layers.begin(), shape.moe_layers.end(), found.begin(), found.end(),
                      std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), shape.moe_layers.begin(), shape.moe_layers.end(),
                      std::back_inserter(foreign));
  std::string text;
  if (!missing.empty()) text = "no layers " + number_list(missing);
  if (!foreign.empty()) text += (text.empty() ? "layers " : "; layers ") + number_list(foreign);
  faults.add(0, "", text,
             fmt::format("all {} layers of {} that have experts, numbered {} to {} among all "
                         "layers or 0 to {} among themselves",
                         shape.num_layers(), shape.model, shape.moe_layers.front(),
                         shape.moe_layers.back(), shape.num_layers() - 1));
  return std::nullopt;
}

SequenceCut::SequenceCut(std::span<const std::int64_t> request_tokens, std::int64_t wanted) {
  std::int64_t longest = 1;
  for (const std::int64_t tokens : request_tokens) longest = std::max(longest, tokens);
  sequence_tokens = std::clamp<std::int64_t>(wanted, 1, longest);
  for (const std::int64_t tokens : request_tokens) {
    sequences += tokens / sequence_tokens;
    left_out += tokens % sequence_tokens;
  }
}

std::string SequenceCut::text() const {
  std::string out = counted(sequences, "sequence") + " of " + counted(sequence_tokens, "token");
  if (left_out > 0) out += ", " + counted(left_out, "token") + " left out";
  return out;
}

std::string counted(std::int64_t number, const std::string& what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

RoutingBank empty_bank(const RoutingShape& shape, std::int64_t sequences,
                       std::int64_t sequence_tokens) {
  RoutingBank bank;
  bank.num_layers = shape.num_layers();
  bank.num_experts = shape.num_experts;
  bank.top_k = shape.top_k;
  bank.sequences = sequences;
  bank.sequence_tokens = sequence_tokens;
  bank.ids.assign(static_cast<std::size_t>(bank.num_layers * bank.num_tokens() * bank.top_k),
                  kNoExpert);
  bank.origin = RoutingOrigin::kRecorded;
  return bank;
}

}  // namespace moesim
