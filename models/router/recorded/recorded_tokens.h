// Shared by all readers of recorded ids: which ids a model allows, and how the tokens of requests
// become a bank's sequences.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/router/recorded/input_file.h"
#include "models/spec/model_spec.h"

namespace moesim {

// The shape of a model's routing.
struct RoutingShape {
  // Throws: InputError naming `file` if the model has no experts, or more than ids can count.
  RoutingShape(const ModelSpec& model, const std::string& file);

  std::int64_t num_layers() const { return static_cast<std::int64_t>(moe_layers.size()); }
  bool has_experts(std::int64_t layer) const;

  std::string model;
  std::int64_t all_layers = 0;           // Dense ones included.
  std::vector<std::int64_t> moe_layers;  // Which of them have experts.
  std::int64_t num_experts = 0;
  std::int64_t outputs = 0;  // With zero experts: ids are below this.
  std::int64_t top_k = 0;
};

// Where a token stands in its file, for messages.
struct TokenPlace {
  std::int64_t line = 0;  // 0 = the file has no lines.
  std::int64_t token = 0;
  std::int64_t layer = 0;
};

// Narrows the ids of one token in one layer after checking them.
class TokenChecker {
 public:
  TokenChecker(const RoutingShape& shape, FileFaults& faults);

  // Copies top_k ids to `out`. An id of -1 is no expert; those stand behind the others, as in a
  // bank. An id out of range, or an expert twice, is a fault and leaves `out` as it is.
  void take(std::span<const std::int64_t> ids, const TokenPlace& place,
            std::span<std::uint16_t> out);

 private:
  void report(std::span<const std::int64_t> ids, const TokenPlace& place);

  std::int64_t outputs_;
  FileFaults& faults_;
  std::vector<std::uint64_t> last_token_;  // [output] the last token that chose it.
  std::uint64_t token_ = 0;
};

// Which MoE layer, counted from 0, each layer number of a file is: files count either all layers of
// the model or only those with experts. Entries that are no layer are -1.
// `seen` says of every number below model.layers.size() whether the file has it. Numbers that fit
// neither count are faults, and nothing is returned.
std::optional<std::vector<std::int64_t>> layer_slots(const RoutingShape& shape,
                                                     const std::vector<bool>& seen,
                                                     FileFaults& faults);

// How requests of some lengths give sequences of one length: sequences never cross a request.
struct SequenceCut {
  // As many whole sequences as each request holds; requests that are all shorter than
  // `sequence_tokens` make the sequences as long as the longest of them.
  SequenceCut(std::span<const std::int64_t> request_tokens, std::int64_t sequence_tokens);

  // "128 sequences of 32 tokens, 5 tokens left out".
  std::string text() const;

  std::int64_t sequence_tokens = 0;
  std::int64_t sequences = 0;
  std::int64_t left_out = 0;
};

// "1 token", "2 tokens".
std::string counted(std::int64_t number, const std::string& what);

// A bank of that many tokens, all ids kNoExpert yet.
RoutingBank empty_bank(const RoutingShape& shape, std::int64_t sequences,
                       std::int64_t sequence_tokens);

}  // namespace moesim
