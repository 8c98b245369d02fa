#include "models/router/recorded/gate_names.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace moesim {

namespace {

struct Name {
  std::string_view ending;
  GatePart part;
};

// Source: the checkpoints' indices on Hugging Face and the loaders of transformers, vLLM and
// SGLang.
constexpr std::array<Name, 21> kNames = {{
    // DeepSeek, Qwen, OLMoE, GLM, Kimi-K2, MiMo, ERNIE, Bailing.
    {"mlp.gate.weight", GatePart::kWeight},
    {"mlp.gate.e_score_correction_bias", GatePart::kCorrection},
    {"mlp.moe_statics.e_score_correction_bias", GatePart::kCorrection},
    {"mlp.gate.expert_bias", GatePart::kCorrection},
    // Mixtral, MiniMax, Phi-3.5-MoE, Arctic; Kimi-Linear keeps the bias beside the weight.
    {"block_sparse_moe.gate.weight", GatePart::kWeight},
    {"block_sparse_moe.e_score_correction_bias", GatePart::kCorrection},
    {"block_sparse_moe.gate.e_score_correction_bias", GatePart::kCorrection},
    // gpt-oss.
    {"mlp.router.weight", GatePart::kWeight},
    {"mlp.router.bias", GatePart::kBias},
    // Llama-4, Jamba.
    {"feed_forward.router.weight", GatePart::kWeight},
    // LongCat.
    {"mlp.router.classifier.weight", GatePart::kWeight},
    {"mlp.router.e_score_correction_bias", GatePart::kCorrection},
    // Hunyuan, Granite, DBRX.
    {"mlp.gate.wg.weight", GatePart::kWeight},
    {"block_sparse_moe.router.layer.weight", GatePart::kWeight},
    {"ffn.router.layer.weight", GatePart::kWeight},
    // Nemotron-H.
    {"mixer.gate.weight", GatePart::kWeight},
    {"mixer.gate.e_score_correction_bias", GatePart::kCorrection},
    // DeepSeek's own code; its gate.bias is for selection only.
    {"ffn.gate.weight", GatePart::kWeight},
    {"ffn.gate.bias", GatePart::kCorrection},
    // LFM2.
    {"feed_forward.gate.weight", GatePart::kWeight},
    {"feed_forward.expert_bias", GatePart::kCorrection},
}};

// The rest of a name behind `word`, where that is a word of its own.
std::string_view after_word(std::string_view name, std::string_view word) {
  const std::size_t at = name.find(word);
  if (at == std::string_view::npos || (at > 0 && name[at - 1] != '.')) return {};
  return name.substr(at + word.size());
}

}  // namespace

std::optional<GateTensor> gate_tensor(std::string_view name) {
  if (name.find("mtp") != std::string_view::npos) return std::nullopt;
  std::string_view rest = after_word(name, "layers.");
  if (rest.empty()) rest = after_word(name, "blocks.");
  GateTensor tensor;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), tensor.layer);
  if (error != std::errc() || tensor.layer < 0) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (!rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  for (const Name& known : kNames) {
    if (rest != known.ending) continue;
    tensor.part = known.part;
    return tensor;
  }
  return std::nullopt;
}

std::string gate_names(std::int64_t layer, GatePart part) {
  std::string out;
  for (const Name& known : kNames) {
    if (known.part != part) continue;
    out += out.empty() ? fmt::format("model.layers.{}.{}", layer, known.ending)
                       : fmt::format(", {}", known.ending);
  }
  return out;
}

}  // namespace moesim
