// The order in which a sweep's simulations start, and between them the making of the routing banks
// that they will ask for: banks that differ in experts and top_k alone share most of their work, so
// that many are made at once.
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

  // The next simulation, or before it the batch with its bank: job todo.size() + batch. While a
  // batch is made nothing else starts.
  NextJob next();
  // In a process of its own.
  void make(std::size_t batch, int num_threads) const;
  // The batch is in the cache.
  void finished(std::size_t batch);

 private:
  const Scenario& scenario_;
  const std::vector<Job>& todo_;
  std::vector<std::vector<std::size_t>> batches_;  // Of jobs, one for each bank.
  std::vector<std::size_t> batch_of_;              // [job]; kNone = needs no bank, or it is there.
  std::size_t next_ = 0;
  std::size_t made_ = 0;  // Batches, in turn.
  bool making_ = false;
};

}  // namespace moesim
