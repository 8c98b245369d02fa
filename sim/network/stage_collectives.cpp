#include "sim/network/stage_collectives.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "models/work/layer_work.h"

namespace moesim {

namespace {

std::vector<std::int64_t> every(std::int64_t first, std::int64_t count, std::int64_t stride) {
  std::vector<std::int64_t> devices;
  for (std::int64_t i = 0; i < count; ++i) devices.push_back(first + i * stride);
  return devices;
}

// TP groups of a pool that differ in their position in a node: one for each position of the first
// device.
std::vector<CommGroup> different_groups(const Deployment& pool) {
  const std::int64_t tp = pool.plan.tp, per_node = pool.cluster.node.devices;
  std::set<std::int64_t> places;
  std::vector<CommGroup> groups;
  for (std::int64_t first = 0; first < pool.plan.total_ranks(); first += tp) {
    const std::int64_t device = pool.first_device + first;
    if (!places.insert(device % per_node).second) continue;
    groups.push_back(make_group(pool.cluster, every(device, tp, 1)));
  }
  return groups;
}

}  // namespace

std::string all_reduce_fault(const Deployment& deployment) {
  std::vector<CommGroup> groups;
  for (const Deployment& pool : pools_of(deployment)) {
    if (pool.plan.tp == 1) continue;
    const std::vector<CommGroup> more = different_groups(pool);
    groups.insert(groups.end(), more.begin(), more.end());
  }
  const auto fault_of = [&groups](AllReduce choice) {
    for (const CommGroup& group : groups) {
      const std::string fault = all_reduce_fault(group, choice);
      if (!fault.empty()) return fault;
    }
    return std::string();
  };
  const std::string fault = fault_of(deployment.all_reduce);
  if (fault.empty()) return "";
  std::string others;
  for (const auto& [algorithm, word] : kWords<AllReduce>.rows) {
    if (!fault_of(algorithm).empty()) continue;
    others += fmt::format("{}{}", others.empty() ? "" : ", ", word);
  }
  return fmt::format("{}; allowed here: {}", fault, others);
}

StageCollectives::StageCollectives(const Deployment& deployment, std::int64_t first_device,
                                   const LinkSpeeds& speeds)
    : model_(&deployment.model), all_reduce_(deployment.all_reduce) {
  const ClusterSpec& cluster = deployment.cluster;
  const std::int64_t tp = deployment.plan.tp;
  const std::int64_t dp = deployment.plan.attention_dp;
  for (std::int64_t d = 0; d < dp; ++d) {
    const CommGroup group = make_group(cluster, every(first_device + d * tp, tp, 1), speeds);
    std::size_t same = 0;
    while (same < tensor_groups_.size() &&
           (tensor_groups_[same].group.nodes != group.nodes ||
            tensor_groups_[same].group.per_node != group.per_node ||
            tensor_groups_[same].group.fabric.ring != group.fabric.ring ||
            tensor_groups_[same].group.scale_up != group.scale_up ||
            tensor_groups_[same].group.scale_out != group.scale_out)) {
      ++same;
    }
    if (same == tensor_groups_.size()) tensor_groups_.push_back({group, {}});
    tensor_group_of_.push_back(same);
  }
  peers_ = make_group(cluster, every(first_device, dp, tp), speeds);
  for (std::int64_t t = 1; t < tp && !speeds.empty(); ++t) {
    const CommGroup others = make_group(cluster, every(first_device + t, dp, tp), speeds);
    peers_.scale_up = std::min(peers_.scale_up, others.scale_up);
    peers_.scale_out = std::min(peers_.scale_out, others.scale_out);
    peers_.fabric.ring = std::min(peers_.fabric.ring, others.fabric.ring);
  }
  all_ranks_ = make_group(cluster, every(first_device, tp * dp, 1), speeds);
}

Bytes StageCollectives::activations(std::int64_t tokens) const {
  return activation_bytes(*model_, tokens);
}

const CollectiveCost& StageCollectives::tensor_all_reduce(std::int64_t dp_index,
                                                          std::int64_t tokens) {
  TensorGroup& tensor = tensor_groups_[tensor_group_of_[dp_index]];
  if (tokens >= static_cast<std::int64_t>(tensor.by_tokens.size())) {
    tensor.by_tokens.resize(tokens + 1);
  }
  std::optional<CollectiveCost>& cost = tensor.by_tokens[tokens];
  if (!cost) {
    cost =
        tokens == 0 ? CollectiveCost{} : all_reduce(tensor.group, activations(tokens), all_reduce_);
  }
  return *cost;
}

CollectiveCost StageCollectives::gather_tokens(std::int64_t tokens) const {
  return all_gather(peers_, activations(tokens));
}

CollectiveCost StageCollectives::scatter_tokens(std::int64_t tokens) const {
  return reduce_scatter(peers_, activations(tokens));
}

}  // namespace moesim
