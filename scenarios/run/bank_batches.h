// The order in which the simulations of a sweep start and, between them, the creation of the
// routing banks that they need. Banks that differ only in experts and top_k share most of their
// work, so many are made together.
#pragma once

#include <cstddef>
#include <vector>

#include "models/router/make/bank_orders.h"
#include "scenarios/run/child_pool.h"
#include "scenarios/run/run.h"

namespace moesim {

class BankBatches {
 public:
  // Of the jobs of a run. Both must outlive this.
  BankBatches(const Scenario& scenario, const std::vector<Job>& todo);

  std::size_t count() const { return batches_.size(); }

  // The next simulation, or first the batch with its bank, as job todo.size() + batch. While a
  // batch is made nothing else starts.
  NextJob next();
  // Makes the banks of a batch. Requires: a process of its own.
  void make(std::size_t batch, int num_threads) const;
  // The batch is in the cache.
  void finished(std::size_t batch);

 private:
  const Scenario& scenario_;
  const std::vector<Job>& todo_;
  std::vector<std::vector<std::size_t>> batches_;  // [batch] jobs, one for each bank.
  std::vector<std::size_t> batch_of_;              // [job]; kNone = has no missing bank.
  std::size_t next_ = 0;
  std::size_t made_ = 0;  // Number of batches made so far.
  bool making_ = false;
};

}  // namespace moesim
