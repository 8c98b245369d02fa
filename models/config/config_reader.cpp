// read_config: text -> fields -> family -> ModelSpec, all faults at once.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "models/config/catalog.h"
#include "models/config/config_families.h"
#include "models/config/config_formats.h"
#include "models/config/config_router.h"

namespace moesim {
namespace {

// No published model is within a factor of 100 of this; counts below it cannot overflow.
constexpr double kMaxParameters = 1e15;
constexpr std::int64_t kMaxTowerWidth = 100'000;

// JSON that the YAML parser would refuse: tabs between tokens, and surrogate pairs in strings. Both
// are replaced one for one or inside the line, so that line numbers stay.
std::string readable_json(const std::string& text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      const bool surrogate = text[i + 1] == 'u' && i + 5 < text.size() &&
                             (text[i + 2] == 'd' || text[i + 2] == 'D') &&
                             std::string("89abcdefABCDEF").find(text[i + 3]) != std::string::npos;
      out += surrogate ? "?" : text.substr(i, 2);
      i += surrogate ? 5 : 1;
      continue;
    }
    if (c == '"') quoted = !quoted;
    out += c == '\t' ? ' ' : c;
  }
  return out;
}

// Nemotron-H may leave the number of layers to its pattern.
std::int64_t read_num_layers(const ConfigFields& fields) {
  const Names names = {"num_hidden_layers", "n_layers", "n_layer", "num_layers"};
  if (fields.has(names)) return fields.required(names, kMaxLayers);
  const auto words = fields.find({"layers_block_type"});
  if (words && words->is_list()) return static_cast<std::int64_t>(words->items().size());
  const std::string letters = fields.text_or({"hybrid_override_pattern"}, "");
  if (letters.empty()) return fields.required(names, kMaxLayers);
  return static_cast<std::int64_t>(letters.size());
}

void read_backbone(const ConfigFields& fields, const Family& family, ModelSpec& model) {
  model.hidden_size =
      fields.required({"hidden_size", "d_model", "n_embd", "n_embed", "emb_size"}, kMaxWidth);
  const bool longcat = family.architecture == "LongcatFlashForCausalLM";
  // LongCat's num_hidden_layers counts its attention blocks, two for each of num_layers.
  const std::int64_t num_layers =
      longcat ? fields.required({"num_layers"}, kMaxLayers) : read_num_layers(fields);
  model.vocab_size = fields.required({"vocab_size"}, kMaxWidth);
  model.max_positions = fields.count_or(
      {"max_position_embeddings", "max_seq_len", "n_positions", "max_sequence_length"}, 0,
      kMaxPositions);
  model.tied_embeddings = fields.flag_or({"tie_word_embeddings"}, family.tied_by_default);
  model.final_norm_params = model.hidden_size;
  family.read({fields, model.hidden_size, num_layers}, model);
  read_router_options(fields, model);
}

// Mechanisms that only some families have; elsewhere ModelSpec cannot say what they mean.
struct Mechanism {
  const char* field;
  std::vector<const char*> families;  // Beginnings of the architectures that read it.
};

const std::vector<Mechanism>& mechanisms() {
  static const std::vector<Mechanism> all = {
      {"compress_ratios", {"DeepseekV4"}},        {"hc_mult", {"DeepseekV4"}},
      {"linear_attn_config", {"Kimi"}},           {"routed_expert_hidden_size", {"Kimi"}},
      {"attn_res_block_size", {"Kimi"}},          {"hybrid_override_pattern", {"NemotronH"}},
      {"moe_latent_size", {"NemotronH"}},         {"block_configs", {"DeciLM"}},
      {"sparse_attention_config", {"MiniMaxM3"}}, {"attention_other_setting", {"Step3p"}},
      {"num_global_key_value_heads", {"Gemma4"}},
  };
  return all;
}

void refuse_unsupported(const ConfigFields& fields, const std::string& architecture) {
  if (fields.flag_or({"is_encoder_decoder"}, false)) {
    fields.fault({"is_encoder_decoder"}, "false expected: only decoders can be read");
  }
  for (const Mechanism& one : mechanisms()) {
    if (!fields.has({one.field})) continue;
    const bool known =
        std::any_of(one.families.begin(), one.families.end(),
                    [&](const char* family) { return architecture.rfind(family, 0) == 0; });
    if (!known) {
      fields.fault({one.field},
                   "absent expected: this mechanism cannot be represented in " + architecture);
    }
  }
}

// "all fields of X are there: ..." for the known class that reads most of the file without a fault,
// or nothing.
std::string class_with_fields(const Value& root, const std::vector<Family>& families) {
  std::string best;
  std::size_t most = 0;
  for (const Family& family : families) {
    Faults faults;
    const ConfigFields fields(Value(root.node(), root.file(), "", &faults));
    ModelSpec model;
    refuse_unsupported(fields, family.architecture);
    if (!fields.faulty()) read_backbone(fields, family, model);
    if (fields.faulty() || model.layers.empty() || fields.num_found() <= most) continue;
    most = fields.num_found();
    best = family.architecture;
  }
  if (best.empty()) return "";
  return "all fields of " + best + " are there, so give that name if the layers are the same; ";
}

// The reader of the architecture, or nothing after a fault.
std::optional<Family> read_family(const Value& root, std::string& architecture) {
  const std::vector<Family> families = all_families();
  std::vector<std::string> names;
  for (const Family& family : families) names.push_back(family.architecture);
  const std::string allowed = "one of " + comma_list(names) + " expected";

  const YAML::Node list = root.node()["architectures"];
  if (!list.IsDefined() || !list.IsSequence() || list.size() == 0) {
    ConfigFields(root).fault({"architectures"}, "a list with " + allowed);
    return std::nullopt;
  }
  const Value first = root.child(list, "architectures").items().front();
  architecture = first.text().value_or("");
  for (const Family& family : families) {
    if (family.architecture == architecture) return family;
  }
  if (!architecture.empty()) {
    const std::string near = did_you_mean(architecture, names);
    first.fault((near.empty() ? "" : "the nearest known name is " + near + "; ") +
                class_with_fields(root, families) + allowed);
  }
  return std::nullopt;
}

// Transformer blocks of a vision tower, and the two matrices that merge its patches.
//   layers (4 h^2 + 2 h f) + m (m + out), m = spatial_merge_size^2 h
std::int64_t read_tower_params(const ConfigFields& tower) {
  const std::int64_t layers = tower.integer_or({"depth", "num_hidden_layers"}, 0, 0, kMaxLayers);
  const std::int64_t hidden = tower.integer_or({"hidden_size"}, 0, 0, kMaxTowerWidth);
  const std::int64_t width = tower.integer_or({"intermediate_size"}, 0, 0, kMaxTowerWidth);
  const std::int64_t out = tower.integer_or({"out_hidden_size"}, 0, 0, kMaxTowerWidth);
  const std::int64_t merge = tower.integer_or({"spatial_merge_size"}, 0, 0, 16);
  const std::int64_t merged = out > 0 ? merge * merge * hidden : 0;
  return layers * (4 * hidden * hidden + 2 * hidden * width) + merged * (merged + out);
}

void read_towers(const ConfigFields& fields, ModelSpec& model) {
  if (const auto vision = fields.nested("vision_config")) {
    model.tower_params = read_tower_params(*vision);
    model.not_modelled.emplace_back(
        "vision_config: the tower's weights count in memory, its parameters and its work do not");
  }
  if (fields.has({"audio_config"})) {
    model.not_modelled.emplace_back("audio_config: only the text decoder is read");
  }
}

// In floating point, because it decides whether whole numbers are safe.
double rough_parameters(const ModelSpec& model) {
  const auto hidden = static_cast<double>(model.hidden_size);
  double sum = 2 * hidden * static_cast<double>(model.vocab_size);
  for (const LayerSpec& layer : model.layers) {
    sum += static_cast<double>(layer.attention.params);
    sum += 3 * hidden * static_cast<double>(layer.dense_width);
    if (!layer.moe) continue;
    const double routed =
        static_cast<double>(layer.moe->num_experts) * static_cast<double>(layer.moe->expert_width);
    sum += 3 * hidden * (routed + static_cast<double>(layer.moe->shared_width));
  }
  return sum;
}

// Two readers of one field report it twice; the user needs to see it once.
void throw_distinct(const Faults& faults) {
  Faults distinct;
  std::set<std::string> seen;
  for (const Fault& fault : faults.all()) {
    if (seen.insert(fault.text()).second) distinct.add(fault);
  }
  distinct.throw_if_any();
}

}  // namespace

ModelSpec read_config(const std::string& text, const std::string& file, const std::string& name,
                      const std::optional<ConfigFile>& quantisation) {
  Faults faults;
  const Value root(parse_document(readable_json(text), file, kMaxConfigBytes), file, "", &faults);
  if (!root.is_map()) root.fault("the fields of a config.json expected");
  faults.throw_if_any();

  ModelSpec model;
  model.name = name;
  const auto family = read_family(root, model.architecture);
  faults.throw_if_any();

  const ConfigFields fields(root);
  model.source = fields.text_or({"source"}, std::filesystem::path(file).filename().string());
  refuse_unsupported(fields, model.architecture);
  read_backbone(fields, *family, model);
  read_towers(fields, model);
  throw_distinct(faults);
  if (const double size = rough_parameters(model); size > kMaxParameters) {
    root.fault(fmt::format("at most {:g} expected", kMaxParameters),
               fmt::format("{:.3g} parameters", size));
  }
  faults.throw_if_any();
  read_formats(fields, quantisation, model);
  faults.throw_if_any();
  return model;
}

}  // namespace moesim
