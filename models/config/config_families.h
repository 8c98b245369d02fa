// The architectures that config.json may name, each with the function that reads its layers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/config/config_fields.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Input of a family's reader: the fields, and the two numbers that every family has.
struct FamilyInput {
  const ConfigFields& fields;
  std::int64_t hidden;
  std::int64_t num_layers;
};

// Fills the layers; name, vocabulary and a final norm of one weight per width are already there.
using FamilyReader = void (*)(const FamilyInput&, ModelSpec&);

struct Family {
  std::string architecture;
  FamilyReader read;
  bool tied_by_default = false;  // Default of transformers where tie_word_embeddings is absent.
};

std::vector<Family> dense_families();
std::vector<Family> moe_families();
std::vector<Family> latent_families();
std::vector<Family> hybrid_families();
std::vector<Family> block_families();
std::vector<Family> sparse_families();
std::vector<Family> windowed_families();

// All of them, sorted by architecture.
std::vector<Family> all_families();

// One attention block for every layer, with the window of each.
std::vector<AttentionSpec> repeat_attention(const AttentionSpec& attention,
                                            const std::vector<std::int64_t>& windows);

}  // namespace moesim
