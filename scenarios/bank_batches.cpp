#include "scenarios/bank_batches.h"

#include <map>
#include <optional>

#include "models/router/bank/bank_cache.h"

namespace moesim {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Enough that what the banks share costs little; few enough that rows appear soon.
constexpr std::size_t kBanksTogether = 64;

std::optional<BankOrder> order_of(const Case& one) {
  const Deployment& deployment = one.deployment;
  if (!one.infeasible.empty() || !deployment.model.is_moe()) return std::nullopt;
  return BankOrder{&deployment.model, &deployment.tokens, deployment.seed};
}

}  // namespace

BankBatches::BankBatches(const Scenario& scenario, const std::vector<Job>& todo)
    : num_jobs_(todo.size()), batch_of_(todo.size(), kNone) {
  MissingBanks missing(bank_cache_folder());
  std::vector<std::size_t> bank_of(todo.size(), kNone);
  for (std::size_t i = 0; i < todo.size(); ++i) {
    if (todo[i].draw > 0) continue;
    if (const auto order = order_of(scenario.cases[todo[i].one])) {
      bank_of[i] = missing.add(*order).value_or(kNone);
    }
  }
  std::vector<std::size_t> batch(missing.orders().size(), kNone);
  std::size_t banks = 0;
  for (std::size_t bank = 0; bank < batch.size(); ++bank) {
    if (!missing.has_relatives(bank)) continue;
    batch[bank] = banks++ / kBanksTogether;
    if (batch[bank] == batches_.size()) batches_.emplace_back();
    batches_.back().push_back(missing.orders()[bank]);
  }
  for (std::size_t i = 0; i < todo.size(); ++i) {
    if (bank_of[i] != kNone) batch_of_[i] = batch[bank_of[i]];
  }
}

NextJob BankBatches::next() {
  if (making_) return {NextJob::Kind::kWait};
  if (next_ == num_jobs_) return {NextJob::Kind::kEnd};
  const std::size_t batch = batch_of_[next_];
  if (batch == kNone || batch < made_) return {NextJob::Kind::kJob, next_++};
  making_ = true;
  return {NextJob::Kind::kJob, num_jobs_ + batch};
}

void BankBatches::make(std::size_t batch, int num_threads) const {
  prepare_banks(batches_[batch], num_threads, bank_cache_folder());
}

void BankBatches::finished(std::size_t batch) {
  making_ = false;
  made_ = batch + 1;
}

}  // namespace moesim
