// The parts that a memory ledger is added up from.
#pragma once

#include "models/memory/memory_ledger.h"

namespace moesim {

// What every ledger function needs to know; lives for one call of memory_ledger.
struct LedgerInputs {
  const ModelSpec& model;
  const ParallelPlan& plan;
  const DtypePlan& dtypes;
  const EngineMemoryRules& rules;
  const DeviceSpec& device;
  const ExpertShare& experts;

  // Rows of the fullest EP group over the mean one: one device without travel holds all rows
  // anyway.
  double fullest_over_mean() const {
    return plan.dispatches_tokens() ? experts.fullest_over_mean : 1;
  }

  // Embedding, head, norms, gate and biases keep 16 bit whatever the linear layers are stored in.
  double wide_bytes() const { return dtypes.weights == Dtype::kFp32 ? 4 : 2; }
};

// Sets the weights by kind of one pipeline stage on one device.
void add_weights(MemoryLedger& ledger, const LedgerInputs& in, std::int64_t stage);

// Peak of the buffers between kernels, and the buffers of dispatch and gathering.
Bytes peak_activations(const LedgerInputs& in, std::int64_t stage);
Bytes communication_buffers(const LedgerInputs& in);

}  // namespace moesim
