#include "scenarios/validate/accuracy_page.h"

namespace moesim {

const char* const kAccuracyNotes = R"(
## What is not modelled

- Training runs, speculative decoding, multi-token prediction, prefix caching, LoRA adapters, vision encoders.
- Requests that share prompts; chunks of one long prompt overlapping across pipeline stages.
)";

}  // namespace moesim
