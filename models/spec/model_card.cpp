#include "models/spec/model_card.h"

#include <fmt/format.h>

#include "models/spec/format_card.h"
#include "models/spec/kv_bytes.h"
#include "models/spec/model_formats.h"

namespace moesim {
namespace {

constexpr std::int64_t kCardContext = 1024;

std::string billion(std::int64_t count) {
  return fmt::format("{:.3f} B", static_cast<double>(count) / 1e9);
}

std::string line(const std::string& label, const std::string& text) {
  return fmt::format("{:<28}{}\n", label, text);
}

std::string parameter_lines(const ModelSpec& model) {
  const ParameterCounts counts = count_parameters(model);
  return line("parameters, total", billion(counts.total)) +
         line("parameters, active", billion(counts.active)) +
         line("  without embedding", billion(counts.active_no_embedding)) +
         line("  without vocabulary", billion(counts.active_no_vocabulary));
}

std::string cost_lines(const ModelSpec& model) {
  const double per_token = kv_bytes_per_token(model, Dtype::kBf16).value();
  const double index = index_bytes_per_token(model).value();
  const double at_context = kv_bytes(model, kCardContext, Dtype::kBf16).value();
  std::string out = line("KV cache per token", fmt::format("{:.0f} B (bf16)", per_token));
  if (index > 0) out += line("indexer keys per token", fmt::format("{:.0f} B", index));
  out += line("KV cache and state",
              fmt::format("{:.0f} B at {} tokens (bf16)", at_context, kCardContext));
  return out + line("FLOPs per token",
                    fmt::format("{:.4g} at {} tokens of context",
                                flops_per_token(model, kCardContext).value(), kCardContext));
}

// One line, or one per range of layers where they differ.
std::string router_lines(const ModelSpec& model) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (!model.layers[i].moe) continue;
    const RouterSpec& router = model.layers[i].moe->router;
    if (starts.empty() || model.layers[starts.back()].moe->router != router) starts.push_back(i);
  }
  std::string out;
  for (const std::size_t first : starts) {
    out += line(starts.size() == 1 ? "router" : fmt::format("router from layer {}", first),
                router_in_words(model.layers[first].moe->router));
  }
  return out;
}

std::string moe_lines(const ModelSpec& model) {
  if (!model.is_moe()) return "";
  const MoeSpec& moe = model.moe();
  std::string experts =
      fmt::format("{} of width {}, {} per token in {} of {} layers", moe.num_experts,
                  moe.expert_width, moe.top_k, model.num_moe_layers(), model.layers.size());
  if (moe.shared_width > 0) {
    experts +=
        fmt::format("; shared width {}{}", moe.shared_width, moe.shared_gate ? ", gated" : "");
  }
  return line("experts", experts) + router_lines(model);
}

std::string attention_in_words(const AttentionSpec& a) {
  switch (a.kind) {
    case AttentionKind::kNone:
      return "no attention";
    case AttentionKind::kLinear:
      return fmt::format("linear attention, {} state elements", a.state_elements);
    case AttentionKind::kCompressed:
      return fmt::format(
          "{} heads of {}, last {} tokens{}{}", a.num_heads, a.head_dim, a.local_window,
          a.compress_ratio > 0 ? fmt::format(" and rows of {} tokens", a.compress_ratio) : "",
          a.index_topk > 0 ? fmt::format(", sparse top {}", a.index_topk) : "");
    case AttentionKind::kLatent:
      return fmt::format("MLA, {} heads, latent {} + {}{}", a.num_heads, a.kv_lora_rank,
                         a.qk_rope_head_dim,
                         a.index_topk > 0 ? fmt::format(", sparse top {}", a.index_topk) : "");
    case AttentionKind::kGrouped:
      break;
  }
  const std::string window = a.window > 0 ? fmt::format(", window {}", a.window) : "";
  const std::string dims = a.head_dim == a.v_head_dim
                               ? fmt::format("{}", a.head_dim)
                               : fmt::format("{}/{}", a.head_dim, a.v_head_dim);
  return fmt::format("{} heads, {} KV heads of {}{}", a.num_heads, a.num_kv_heads, dims, window);
}

std::string layer_in_words(const LayerSpec& layer) {
  std::string out = attention_in_words(layer.attention);
  if (layer.dense_width > 0) out += fmt::format("; dense {}", layer.dense_width);
  if (layer.moe) {
    out += fmt::format("; {} experts of {}, top {}", layer.moe->num_experts,
                       layer.moe->expert_width, layer.moe->top_k);
  }
  return out;
}

// Neighbours that are equal share a line.
std::string layer_lines(const ModelSpec& model) {
  std::string out;
  std::size_t first = 0;
  while (first < model.layers.size()) {
    std::size_t end = first + 1;
    while (end < model.layers.size() && model.layers[end] == model.layers[first]) ++end;
    const std::string range = end - first == 1 ? fmt::format("layer {}", first)
                                               : fmt::format("layers {}-{}", first, end - 1);
    const LayerParameters count = count_parameters(model, model.layers[first]);
    const std::int64_t each =
        count.attention + count.norms + count.dense + count.gate + count.shared + count.routed;
    out += line(range, layer_in_words(model.layers[first]) + "; " + billion(each) + " each");
    first = end;
  }
  return out;
}

}  // namespace

std::string model_card(const ModelSpec& model, bool layer_by_layer) {
  std::string out = line("model", model.name) + line("architecture", model.architecture);
  out += line("source", model.source);
  out += line("hidden size, layers, vocab",
              fmt::format("{}, {}, {}{}", model.hidden_size, model.layers.size(), model.vocab_size,
                          model.tied_embeddings ? " (tied)" : ""));
  out += parameter_lines(model) + cost_lines(model) + moe_lines(model) + format_card(model);
  for (const std::string& gap : model.not_modelled) out += line("not modelled", gap);
  return layer_by_layer ? out + layer_lines(model) : out;
}

nlohmann::ordered_json model_card_json(const ModelSpec& model) {
  const ParameterCounts counts = count_parameters(model);
  const bool sparse = model.is_moe();
  nlohmann::ordered_json card;
  card["name"] = model.name;
  card["architecture"] = model.architecture;
  card["params_total"] = counts.total;
  card["params_active"] = counts.active;
  card["params_active_no_embedding"] = counts.active_no_embedding;
  card["params_active_no_vocabulary"] = counts.active_no_vocabulary;
  card["kv_bytes_per_token"] =
      static_cast<std::int64_t>(kv_bytes_per_token(model, Dtype::kBf16).value());
  card["index_bytes_per_token"] = static_cast<std::int64_t>(index_bytes_per_token(model).value());
  card["flops_per_token"] = flops_per_token(model, kCardContext).value();
  card["flops_context"] = kCardContext;
  card["hidden_size"] = model.hidden_size;
  card["vocab_size"] = model.vocab_size;
  card["num_layers"] = static_cast<std::int64_t>(model.layers.size());
  card["num_moe_layers"] = model.num_moe_layers();
  card["num_experts"] = sparse ? model.moe().num_experts : 0;
  card["top_k"] = sparse ? model.moe().top_k : 0;
  card["expert_width"] = sparse ? model.moe().expert_width : 0;
  card["shared_width"] = sparse ? model.moe().shared_width : 0;
  card["weight_bytes"] = checkpoint_bytes(model).value();
  card["kv_dtype"] = word_of(model.kv_dtype);
  card["formats"] = format_card_json(model);
  card["notes"] = model.format_notes;
  card["not_modelled"] = model.not_modelled;
  card["source"] = model.source;
  return card;
}

}  // namespace moesim
