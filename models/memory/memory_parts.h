// The parts that a memory ledger is added up from.
#pragma once

#include "models/memory/memory_ledger.h"

namespace moesim {

// Input of every ledger function; lives for one call of memory_ledger.
struct LedgerInputs {
  const ModelSpec& model;
  const ParallelPlan& plan;
  const DtypePlan& dtypes;
  const EngineMemoryRules& rules;
  const DeviceSpec& device;
  const ExpertShare& experts;

  // Rows of the fullest EP group over the mean one; 1 where tokens do not travel, because every
  // device then holds all rows.
  double fullest_over_mean() const {
    return plan.dispatches_tokens() ? experts.fullest_over_mean : 1;
  }

  // Bytes of a parameter of embedding, norms, gate and biases.
  double wide_bytes() const { return element_bytes(model.wide_dtype); }
};

// Sets the weights by kind of one pipeline stage on one device.
void add_weights(MemoryLedger& ledger, const LedgerInputs& in, std::int64_t stage);

// Peak of the buffers between kernels, and the buffers of dispatch and gathering.
Bytes peak_activations(const LedgerInputs& in, std::int64_t stage);
Bytes communication_buffers(const LedgerInputs& in);

}  // namespace moesim
