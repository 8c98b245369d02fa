#include "sim/results/network_tally.h"

namespace moesim {

void NetworkTally::add(const StageCost& cost, std::int64_t first_device, bool has_prompts,
                       double elapsed, std::size_t devices) {
  CommunicationTimes& times = has_prompts ? prompt_steps : decode_steps;
  times.add(cost.communication, elapsed);
  const PortLoads& loads = cost.dispatched;
  if (loads.scale_up_out.empty()) return;
  dispatch.resize(devices);
  const Seconds time = cost.communication.dispatching * elapsed;
  for (std::size_t r = 0; r < loads.scale_up_out.size(); ++r) {
    Ports& ports = dispatch[static_cast<std::size_t>(first_device) + r];
    ports.time += time;
    ports.up_out += Bytes(loads.scale_up_out[r] * elapsed);
    ports.up_in += Bytes(loads.scale_up_in[r] * elapsed);
    ports.out_out += Bytes(loads.scale_out_out[r] * elapsed);
    ports.out_in += Bytes(loads.scale_out_in[r] * elapsed);
  }
}

}  // namespace moesim
