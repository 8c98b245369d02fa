#include "models/quantisation/apply_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <span>

#include "models/quantisation/module_match.h"
#include "models/quantisation/module_names.h"

namespace moesim {
namespace {

MatrixFormats& formats_of(LayerSpec& layer, Block block) {
  switch (block) {
    case Block::kAttention:
      return layer.formats.attention;
    case Block::kDense:
      return layer.formats.dense;
    case Block::kShared:
      return layer.formats.shared;
    case Block::kRouted:
      break;
  }
  return layer.formats.routed;
}

// Modules outside the decoder's linear layers, which a deployment of text does not see or keeps
// wide.
bool is_elsewhere(const std::string& entry) {
  for (const char* word : {"mtp", "visual", "vision", "audio", "projector", "draft", "eagle",
                           "embed", "lm_head", "attention", "Attention", "Embedding"}) {
    if (entry.find(word) != std::string::npos) return true;
  }
  return entry.ends_with("gate") || entry.find("router") != std::string::npos;
}

// The whole number behind the first `word` of a name, if there is one.
std::optional<std::size_t> number_behind(const std::string& name, const std::string& word) {
  const std::size_t at = name.find(word);
  std::size_t number = 0;
  if (at == std::string::npos) return std::nullopt;
  const char* first = name.data() + at + word.size();
  const auto [end, error] = std::from_chars(first, name.data() + name.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

class Applier {
 public:
  Applier(const FormatRules& rules, const Value& block, bool keeps_others, ModelSpec& model)
      : rules_(rules),
        block_(block),
        wide_(plain_format(model.wide_dtype)),
        keeps_others_(keeps_others),
        model_(model),
        spelling_(rules),
        ignored_(rules.ignored),
        named_(rules.named) {}

  void apply() {
    for (std::size_t i = 0; i < model_.layers.size(); ++i) set_layer(i);
    set_head();
  }

  // A list of targets of which none names a module. Formats that repeat are one list.
  void refuse_unused() const {
    std::set<std::string> used_lists;
    for (const FormatRule* rule : used_) used_lists.insert(list_of(*rule));
    for (const FormatRule& rule : rules_.named) {
      if (!rule.format || is_elsewhere(rule.entry)) continue;
      // Expert 0 stands for all; layers behind the last one are those of MTP.
      if (number_behind(rule.entry, "experts.")) continue;
      if (number_behind(rule.entry, "layers.").value_or(0) >= model_.layers.size()) continue;
      if (!used_lists.insert(list_of(rule)).second) continue;
      rule.place.fault("the name or pattern of a linear layer expected: it matches none",
                       rule.entry);
    }
  }

 private:
  // "quantization_config.config_groups.group_0.targets[3]" -> without the index.
  static std::string list_of(const FormatRule& rule) {
    const std::string& path = rule.place.path();
    return path.ends_with(']') ? path.substr(0, path.rfind('[')) : path + " " + rule.entry;
  }

  std::vector<const FormatRule*> matches(const RuleIndex& index, const Module& module,
                                         std::size_t layer) {
    std::vector<const FormatRule*> found;
    for (const std::string& prefix : spelling_.prefixes()) {
      for (const std::string& name : module.names) {
        const auto more = index.find(fmt::format("{}layers.{}.{}", prefix, layer, name));
        found.insert(found.end(), more.begin(), more.end());
      }
    }
    return found;
  }

  // The format of one module; nothing where the scenario leaves it as it is.
  std::optional<WeightFormat> format_of(const Module& module, std::size_t layer) {
    if (module.stays_wide) return wide_;
    if (!rules_.ignored.empty() && !matches(ignored_, module, layer).empty()) return wide_;
    const auto found =
        rules_.named.empty() ? std::vector<const FormatRule*>{} : matches(named_, module, layer);
    if (found.empty()) {
      if (keeps_others_) return std::nullopt;
      return rules_.otherwise.value_or(wide_);
    }
    used_.insert(found.begin(), found.end());
    const FormatRule* first = found.front();
    for (const FormatRule* rule : found) {
      if (rule->place.line() < first->place.line()) first = rule;
      if (rules_.first_wins || rule->format == first->format) continue;
      refuse(fmt::format("one format for {} expected: \"{}\" and \"{}\" give it two",
                         module.names.front(), first->entry, rule->entry),
             "two formats");
    }
    return first->format.value_or(wide_);
  }

  void check_group(const Module& module, const WeightFormat& format) {
    if (format.group_size == 0 || format.group_outputs > 1) return;
    if (module.inputs % format.group_size == 0) return;
    refuse(fmt::format("a divisor of the {} inputs of {} expected", module.inputs,
                       module.names.front()),
           fmt::format("group size {}", format.group_size));
  }

  // The parts of one matrix as engines multiply them: in one format, but for those that stay wide.
  void set_matrix(LayerSpec& layer, std::size_t index, std::span<const Module> parts) {
    std::optional<WeightFormat> quantised;
    std::int64_t wide_outputs = 0, outputs = 0, kept = 0;
    for (const Module& part : parts) {
      const auto format = format_of(part, index);
      outputs += part.outputs;
      if (!format) {
        kept += part.outputs;
        continue;
      }
      if (*format == wide_) {
        wide_outputs += part.outputs;
      } else if (quantised && *quantised != *format) {
        refuse(fmt::format("one format for {} and {} expected: engines fuse them",
                           parts.front().names.front(), part.names.front()),
               "two formats");
      } else {
        quantised = format;
        check_group(part, *format);
      }
    }
    MatrixFormats& formats = formats_of(layer, parts.front().block);
    if (kept == outputs) return;
    WeightFormat format = quantised.value_or(wide_);
    if (quantised && wide_outputs > 0) {
      format.wide_share = static_cast<double>(wide_outputs) / static_cast<double>(outputs);
      if (format.wide_share > 0.5) format.activations = wide_.dtype;
    }
    formats.set(parts.front().matrix, format);
  }

  void set_layer(std::size_t index) {
    LayerSpec& layer = model_.layers[index];
    const std::vector<Module> modules = modules_of(model_, layer, spelling_);
    for (std::size_t first = 0; first < modules.size();) {
      std::size_t end = first + 1;
      while (end < modules.size() && modules[end].block == modules[first].block &&
             modules[end].matrix == modules[first].matrix) {
        ++end;
      }
      set_matrix(layer, index, std::span(modules).subspan(first, end - first));
      first = end;
    }
  }

  // Engines quantise the head only where it is named.
  void set_head() {
    if (!keeps_others_) model_.head_format = rules_.head.value_or(wide_);
    if (!ignored_.find("lm_head").empty()) {
      model_.head_format = wide_;
      return;
    }
    for (const FormatRule* rule : named_.find("lm_head")) {
      if (rule->entry.find("head") == std::string::npos) continue;
      used_.insert(rule);
      model_.head_format = rule->format.value_or(wide_);
    }
  }

  // Once for all layers.
  void refuse(const std::string& allowed, const std::string& shown) {
    if (refused_.insert(allowed).second) block_.fault(allowed, shown);
  }

  const FormatRules& rules_;
  const Value& block_;
  WeightFormat wide_;
  bool keeps_others_;
  ModelSpec& model_;
  Spelling spelling_;
  RuleIndex ignored_;
  RuleIndex named_;
  std::set<const FormatRule*> used_;
  std::set<std::string> refused_;
};

}  // namespace

void apply_formats(const FormatRules& rules, const Value& block, ModelSpec& model) {
  Applier applier(rules, block, false, model);
  applier.apply();
  applier.refuse_unused();
  model.kv_dtype = rules.kv.value_or(model.wide_dtype);
}

void apply_modules(const FormatRules& rules, const Value& block, ModelSpec& model) {
  Applier applier(rules, block, true, model);
  applier.apply();
  applier.refuse_unused();
}

}  // namespace moesim
