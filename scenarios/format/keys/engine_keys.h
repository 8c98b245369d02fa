// `engine:` of a case: its name, the keys of sim/deployment/engine_keys.h, and choices that no
// engine makes for its users.
#pragma once

#include "base/keys.h"
#include "sim/deployment/deployment.h"

namespace moesim {

KeyFacts engine_key();
form::Map engine_map();  // All of its keys.
KeyFacts engine_name_key();
const Keys<Deployment>& engine_choice_keys();

}  // namespace moesim
