// Collectives of one pipeline stage: its groups on real devices, and the costs that recur.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/deployment/deployment.h"
#include "sim/network/collectives.h"

namespace moesim {

// The reason why a TP group of the deployment cannot run the all-reduce that the deployment
// chooses, with the algorithms that all of them can run; empty = all can.
std::string all_reduce_fault(const Deployment& deployment);

class StageCollectives {
 public:
  // The stage's ranks are consecutive devices; rank = dp_index * tp + tp_index.
  StageCollectives(const Deployment& deployment, std::int64_t first_device,
                   const LinkSpeeds& speeds = {});

  // All-reduce of the activations of `tokens` over the TP ranks of one DP rank; no tokens cost
  // nothing.
  const CollectiveCost& tensor_all_reduce(std::int64_t dp_index, std::int64_t tokens);
  // All DP ranks gather each other's tokens (`tokens` in all), and get their sums back.
  CollectiveCost gather_tokens(std::int64_t tokens) const;
  CollectiveCost scatter_tokens(std::int64_t tokens) const;
  // Over all ranks of the stage.
  const CommGroup& all_ranks() const { return all_ranks_; }

 private:
  Bytes activations(std::int64_t tokens) const;

  // TP groups that span nodes in the same way have the same costs.
  struct TensorGroup {
    CommGroup group;
    std::vector<std::optional<CollectiveCost>> by_tokens;
  };

  const ModelSpec* model_;
  AllReduce all_reduce_;
  std::vector<TensorGroup> tensor_groups_;
  std::vector<std::size_t> tensor_group_of_;  // [DP rank]
  CommGroup peers_;  // The DP ranks with one TP index, with the slowest links of all such groups.
  CommGroup all_ranks_;
};

}  // namespace moesim
