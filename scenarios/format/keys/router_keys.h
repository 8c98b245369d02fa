// `router:` of a case: where the routing of its tokens comes from, and what it changes in the
// scheme of every MoE layer.
#pragma once

#include <array>

#include "base/keys.h"
#include "models/router/make/token_source.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Routings that a case may be compared with: they need nothing but a name.
inline constexpr std::array kBaselines = {TokenPolicy::kBalanced, TokenPolicy::kUniform,
                                          TokenPolicy::kPowerLaw};

// What `router:` says beside the scheme.
struct RouterSource {
  TokenSource tokens;
  std::vector<TokenPolicy> baselines;
};

KeyFacts router_key();
const Keys<RouterSource>& source_keys();
const Keys<RouterSpec>& scheme_keys();
const KeyMap<CapacitySpec>& capacity_keys();

// Tokens of a bank at most: more take minutes and a gigabyte through the largest models.
inline constexpr std::int64_t kMaxBankTokens = 65'536;

}  // namespace moesim
