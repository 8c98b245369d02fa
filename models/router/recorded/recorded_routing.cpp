#include "models/router/recorded/recorded_routing.h"

#include "models/router/recorded/npy.h"

namespace moesim {

RoutingBank read_recorded_routing(const std::string& path, const ModelSpec& model,
                                  std::int64_t sequence_tokens, std::uint64_t) {
  return read_npy(path, model, sequence_tokens);
}

}  // namespace moesim
