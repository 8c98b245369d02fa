// Conversations as ShareGPT has them. A request is the first turn of a conversation and the answer
// to it, as in the benchmarks of vLLM and SGLang, which take the same two turns
// (github.com/vllm-project/vllm, vllm/benchmarks/datasets, ShareGPTDataset).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/format/trace/trace_format.h"

namespace moesim {

class ShareGpt : public TraceFormat {
 public:
  // Characters per token as given, or else from sim/deployment/text_tokens.yaml.
  ShareGpt(std::optional<double> characters_per_token, const Variation& variation);

  void read(const TraceRow& row, TraceRequests& to) override;
  bool has_times() const override { return false; }
  std::string estimate() const override { return estimate_; }
  std::vector<std::string> notes() const override;

 private:
  // Of the text of a turn; nothing after a fault.
  std::optional<std::int64_t> tokens(const TraceRow& row, const nlohmann::json& turn) const;

  double characters_per_token_ = 0;
  std::string estimate_;
  std::int64_t later_turns_ = 0;
};

}  // namespace moesim
