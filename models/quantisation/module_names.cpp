#include "models/quantisation/module_names.h"

#include <algorithm>

#include "models/spec/rank_shapes.h"

namespace moesim {
namespace {

using Words = std::vector<std::string_view>;

constexpr std::size_t kMostPrefixes = 6;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string without_escapes(std::string text) {
  std::erase(text, '\\');
  return text;
}

}  // namespace

Spelling::Spelling(const FormatRules& rules) : prefixes_{"model."} {
  for (const auto* list : {&rules.ignored, &rules.named}) {
    for (const FormatRule& rule : *list) {
      const std::string entry = without_escapes(rule.entry);
      for (std::size_t at = 0; at < entry.size();) {
        std::size_t end = at;
        while (end < entry.size() && is_word(entry[end])) ++end;
        if (end > at) words_.insert(entry.substr(at, end - at));
        at = end + 1;
      }
      add_prefixes(entry);
    }
  }
}

void Spelling::add_prefixes(const std::string& entry) {
  const std::string name = entry.starts_with("re:") ? entry.substr(3) : entry;
  const std::size_t layers = name.find("layers.");
  if (layers == std::string::npos) return;
  std::string prefix = name.substr(0, layers);
  if (!std::all_of(prefix.begin(), prefix.end(), [](char c) { return is_word(c) || c == '.'; })) {
    if (prefix.find("language_model") == std::string::npos) return;
    const bool inner = prefix.find("model.language_model") != std::string::npos;
    prefix = inner ? "model.language_model." : "language_model.model.";
  }
  for (const char* apart : {"mtp", "visual", "vision", "audio", "draft"}) {
    if (prefix.find(apart) != std::string::npos) return;
  }
  const bool known = std::find(prefixes_.begin(), prefixes_.end(), prefix) != prefixes_.end();
  if (!known && prefixes_.size() < kMostPrefixes) prefixes_.push_back(prefix);
}

std::vector<std::string_view> Spelling::of(const Words& words) const {
  Words out = {words.front()};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words_.contains(words[i].substr(0, words[i].find('.')))) out.push_back(words[i]);
  }
  return out;
}

namespace {

// Collects the modules of one layer.
class ModuleList {
 public:
  explicit ModuleList(const Spelling& spelling) : spelling_(spelling) {}

  struct Part {
    Words names;
    std::int64_t outputs;
    bool stays_wide = false;
  };

  // Parts of one matrix under each of the containers; `names` of a part may be spelled in several
  // ways, the usual one first.
  void add(Block block, const Matrix& matrix, const Words& containers,
           const std::vector<Part>& parts) {
    for (const Part& part : parts) {
      Module module{block, matrix.name, matrix.k, part.outputs, part.stays_wide, {}};
      for (const std::string_view container : spelling_.of(containers)) {
        for (const std::string_view name : spelling_.of(part.names)) {
          module.names.push_back(std::string(container) + "." + std::string(name));
        }
      }
      modules_.push_back(std::move(module));
    }
  }

  std::vector<Module> take() { return std::move(modules_); }

 private:
  const Spelling& spelling_;
  std::vector<Module> modules_;
};

const Words kAttention = {"self_attn", "attention", "attn", "mixer", "self_attention"};
const Words kMixer = {"linear_attn", "mamba", "mixer", "self_attn", "attention", "attn"};
const Words kOutput = {"o_proj", "wo", "out_proj", "dense", "c_proj"};

void add_grouped(ModuleList& list, const AttentionSpec& a, const Matrix& matrix) {
  if (std::string_view(matrix.name) == "index") {
    return list.add(
        Block::kAttention, matrix, kAttention,
        {{{"index_q_proj"}, matrix.n - a.index_head_dim}, {{"index_k_proj"}, a.index_head_dim}});
  }
  if (std::string_view(matrix.name) != "qkv") {
    return list.add(Block::kAttention, matrix, kAttention, {{kOutput, matrix.n}});
  }
  const std::int64_t keys = a.num_kv_heads * a.head_dim;
  const std::int64_t values = a.num_kv_heads * a.v_head_dim;
  list.add(Block::kAttention, matrix, kAttention,
           {{{"q_proj", "wq", "qkv_proj", "query_key_value", "Wqkv", "c_attn"},
             matrix.n - keys - values},
            {{"k_proj", "wk", "qkv_proj", "query_key_value", "Wqkv", "c_attn"}, keys},
            {{"v_proj", "wv", "qkv_proj", "query_key_value", "Wqkv", "c_attn"}, values}});
}

void add_latent(ModuleList& list, const AttentionSpec& a, const Matrix& matrix) {
  const std::string_view name = matrix.name;
  const auto add = [&](const Words& names) {
    list.add(Block::kAttention, matrix, kAttention, {{names, matrix.n}});
  };
  if (name == "q_a") return add({"q_a_proj", "wq_a", "fused_qkv_a_proj_with_mqa"});
  if (name == "kv_a") return add({"kv_a_proj_with_mqa", "kv_a_proj", "wkv_a"});
  if (name == "q_b" && a.q_lora_rank > 0) return add({"q_b_proj", "wq_b"});
  if (name == "q_b") return add({"q_proj", "wq"});
  if (name == "kv_b") return add({"kv_b_proj", "wkv_b"});
  if (name == "gate") return add({"g_proj"});
  if (name == "index_q") return add({"indexer.wq_b"});
  if (name != "index_k") return add(kOutput);
  list.add(
      Block::kAttention, matrix, kAttention,
      {{{"indexer.wk"}, a.index_head_dim}, {{"indexer.weights_proj"}, a.index_num_heads, true}});
}

// Compressors and the weights of the indexer stay in 16 bit.
void add_compressed(ModuleList& list, const Matrix& matrix) {
  const std::string_view name = matrix.name;
  const auto add = [&](const Words& names, bool stays_wide = false) {
    list.add(Block::kAttention, matrix, kAttention, {{names, matrix.n, stays_wide}});
  };
  if (name == "q_a") return add({"wq_a", "q_a_proj"});
  if (name == "kv") return add({"wkv", "kv_proj"});
  if (name == "q_b") return add({"wq_b", "q_b_proj"});
  if (name == "compress") return add({"compressor.wkv", "compressor.wgate"}, true);
  if (name == "index_q") return add({"indexer.wq_b"});
  if (name == "index_k") return add({"indexer.compressor.wkv", "indexer.weights_proj"}, true);
  if (name == "o_a") return add({"wo_a", "o_a_proj"});
  add({"wo_b", "o_b_proj", "o_proj"});
}

// Gated DeltaNet keeps the two small projections of its gates apart.
void add_linear(ModuleList& list, const ModelSpec& model, const AttentionSpec& a,
                const Matrix& matrix) {
  if (std::string_view(matrix.name) != "in") {
    return list.add(Block::kAttention, matrix, kMixer, {{{"out_proj", "o_proj"}, matrix.n}});
  }
  if (!model.architecture.starts_with("Qwen3")) {
    return list.add(Block::kAttention, matrix, kMixer,
                    {{{"in_proj", "qkv_proj", "x_proj", "q_proj"}, matrix.n}});
  }
  const std::int64_t gates = 2 * a.num_heads;
  const std::int64_t values = a.num_heads * a.v_head_dim;
  list.add(Block::kAttention, matrix, kMixer,
           {{{"in_proj_qkv", "in_proj_qkvz"}, matrix.n - values - gates},
            {{"in_proj_z", "in_proj_qkvz"}, values},
            {{"in_proj_a", "in_proj_b", "in_proj_ba"}, gates}});
}

void add_attention(ModuleList& list, const ModelSpec& model, const AttentionSpec& a) {
  for (const Matrix& matrix : attention_matrices(a, model.hidden_size, 1)) {
    if (a.kind == AttentionKind::kLinear) {
      add_linear(list, model, a, matrix);
    } else if (a.kind == AttentionKind::kLatent) {
      add_latent(list, a, matrix);
    } else if (a.kind == AttentionKind::kCompressed) {
      add_compressed(list, matrix);
    } else {
      add_grouped(list, a, matrix);
    }
  }
}

void add_ffn(ModuleList& list, Block block, const Matrices& matrices, const Words& containers) {
  const Matrix& up = matrices.front();
  const Matrix& down = matrices.back();
  const std::int64_t width = down.k;
  std::vector<ModuleList::Part> parts = {{{"up_proj", "w3", "fc1", "gate_up_proj"}, width}};
  if (up.n > width) parts.push_back({{"gate_proj", "w1", "gate_up_proj"}, width});
  list.add(block, up, containers, parts);
  list.add(block, down, containers, {{{"down_proj", "w2", "fc2"}, down.n}});
}

}  // namespace

std::vector<Module> modules_of(const ModelSpec& model, const LayerSpec& layer,
                               const Spelling& spelling) {
  ModuleList list(spelling);
  add_attention(list, model, layer.attention);
  const std::int64_t hidden = model.hidden_size;
  if (layer.dense_width > 0) {
    add_ffn(list, Block::kDense, ffn_matrices(hidden, layer.dense_width, layer.dense_matrices, 1),
            {"mlp", "feed_forward", "ffn", "mixer"});
  }
  if (!layer.moe) return list.take();
  const MoeSpec& moe = *layer.moe;
  if (moe.shared_width > 0) {
    const Words containers =
        model.architecture.starts_with("Qwen")
            ? Words{"mlp.shared_expert"}
            : Words{"mlp.shared_experts", "feed_forward.shared_expert", "mixer.shared_experts",
                    "ffn.shared_experts", "mlp.shared_mlp"};
    add_ffn(list, Block::kShared, ffn_matrices(hidden, moe.shared_width, moe.ffn_matrices, 1),
            containers);
  }
  const std::int64_t input = moe.expert_input > 0 ? moe.expert_input : hidden;
  add_ffn(list, Block::kRouted, ffn_matrices(input, moe.expert_width, moe.ffn_matrices, 1),
          {"mlp.experts.0", "mlp.experts", "feed_forward.experts.0", "feed_forward.experts",
           "block_sparse_moe.experts.0", "mixer.experts.0", "ffn.experts.0"});
  return list.take();
}

}  // namespace moesim
