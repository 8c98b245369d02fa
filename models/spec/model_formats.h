// The formats of a model's weights as a whole: those that a scenario states, and their bytes.
#pragma once

#include <optional>

#include "base/units.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

// The same format for every matrix of a layer but those of the routed experts, and for those.
void set_linear_format(const ModelSpec& model, LayerSpec& layer, const WeightFormat& format);
void set_routed_format(LayerSpec& layer, const WeightFormat& format);

// The model with the weights of `dtypes` where these are given (experts: else those of `weights`),
// else as published.
// Throws: InputError if the published formats are faulty and needed.
ModelSpec in_formats(ModelSpec model, const DtypePlan& dtypes);

// The model with every linear layer that is wider than `narrow` in that format; nothing if none is.
std::optional<ModelSpec> narrowed(ModelSpec model, FormatName narrow);

// Format in which tokens travel to their experts unless a scenario states it: fp8 if the routed
// experts multiply in fp8, else bf16.
Dtype usual_dispatch(const ModelSpec& model);

// Format of the routed experts of the first MoE layer, else of the dense matrices.
WeightFormat main_format(const ModelSpec& model);

// All weights of the model without padding and copies, as a checkpoint of the text model has them.
Bytes checkpoint_bytes(const ModelSpec& model);

}  // namespace moesim
