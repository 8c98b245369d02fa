#include "sim/step/doubled_links.h"

#include <utility>

namespace moesim {

namespace {

constexpr std::size_t kMostSamples = 16;

Seconds time_of(const Deployment& deployment, StepModel& model, const StepSamples& samples,
                const LinkSpeeds& speeds = {}) {
  Seconds sum;
  StageCost cost;
  for (std::int64_t s = 0; s < deployment.plan.pp; ++s) {
    Stage stage = make_stage(deployment, 0, s);
    if (!speeds.empty()) {
      stage.collectives = StageCollectives(deployment, stage.first_device, speeds);
    }
    for (const std::vector<RankStep>& step : samples.steps()) {
      model.run(stage, step, cost);
      sum += cost.time;
    }
  }
  return sum;
}

// Whether ranks of one stage lie on several nodes.
bool crosses_nodes(const Deployment& deployment) {
  const std::int64_t ranks = deployment.plan.stage_ranks();
  const std::int64_t per_node = deployment.cluster.node.devices;
  for (std::int64_t s = 0; s < deployment.plan.pp; ++s) {
    const std::int64_t first = deployment.first_device + s * ranks;
    if (first / per_node != (first + ranks - 1) / per_node) return true;
  }
  return false;
}

}  // namespace

void StepSamples::offer(const std::vector<RankStep>& step) {
  if (offered_++ % stride_ != 0) return;
  steps_.push_back(step);
  if (steps_.size() < kMostSamples) return;
  for (std::size_t i = 0; 2 * i < steps_.size(); ++i) std::swap(steps_[i], steps_[2 * i]);
  steps_.resize((steps_.size() + 1) / 2);
  stride_ *= 2;
}

//   gain = 1 - sum of times with doubled links / sum of times as they are
DoubledLinks doubled_links(const Deployment& deployment, StepModel& model,
                           const StepSamples& samples) {
  DoubledLinks gain;
  if (deployment.plan.stage_ranks() == 1) return gain;
  const Seconds as_is = time_of(deployment, model, samples);
  if (as_is <= Seconds(0)) return gain;
  Deployment up = deployment;
  up.cluster.node.device.link_bandwidth = 2.0 * up.cluster.node.device.link_bandwidth;
  up.cluster.node.device.host_bandwidth = 2.0 * up.cluster.node.device.host_bandwidth;
  gain.scale_up = 1 - time_of(up, model, samples) / as_is;
  if (!crosses_nodes(deployment)) return gain;
  Deployment out = deployment;
  out.cluster.node.nic_bandwidth = 2.0 * out.cluster.node.nic_bandwidth;
  gain.scale_out = 1 - time_of(out, model, samples) / as_is;
  if (!may_block(deployment.cluster.fabric)) return gain;
  LinkSpeeds spine;
  spine.all_fabric = 2;
  gain.spine = 1 - time_of(deployment, model, samples, spine) / as_is;
  return gain;
}

}  // namespace moesim
