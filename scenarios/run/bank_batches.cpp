#include "scenarios/run/bank_batches.h"

#include <deque>

#include "models/router/make/bank_cache.h"

namespace moesim {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Large enough that the shared work of the banks is small per bank; small enough that the first
// rows appear soon.
constexpr std::size_t kBanksTogether = 64;

}  // namespace

BankBatches::BankBatches(const Scenario& scenario, const std::vector<Job>& todo)
    : scenario_(scenario), todo_(todo), batch_of_(todo.size(), kNone) {
  MissingBanks missing(bank_cache_folder());
  std::vector<std::size_t> bank_of(todo.size(), kNone);
  std::vector<std::size_t> first_job;  // [bank]
  for (std::size_t i = 0; i < todo.size(); ++i) {
    const BankName& name = scenario.rows[todo[i].index].bank;
    if (todo[i].sample > 0 || name.file.empty()) continue;
    bank_of[i] = missing.add(name).value_or(kNone);
    if (missing.size() > first_job.size()) first_job.push_back(i);
  }
  std::vector<std::size_t> batch(first_job.size(), kNone);
  std::size_t banks = 0;
  for (std::size_t bank = 0; bank < batch.size(); ++bank) {
    if (!missing.has_relatives(bank)) continue;
    batch[bank] = banks++ / kBanksTogether;
    if (batch[bank] == batches_.size()) batches_.emplace_back();
    batches_.back().push_back(first_job[bank]);
  }
  for (std::size_t i = 0; i < todo.size(); ++i) {
    if (bank_of[i] != kNone) batch_of_[i] = batch[bank_of[i]];
  }
}

NextJob BankBatches::next() {
  if (making_) return {NextJob::Kind::kWait};
  if (next_ == todo_.size()) return {NextJob::Kind::kEnd};
  const std::size_t batch = batch_of_[next_];
  if (batch == kNone || batch < made_) return {NextJob::Kind::kJob, next_++};
  making_ = true;
  return {NextJob::Kind::kJob, todo_.size() + batch};
}

void BankBatches::make(std::size_t batch, int num_threads) const {
  std::deque<Case> cases;  // Orders point into them.
  std::vector<BankOrder> orders;
  for (const std::size_t i : batches_[batch]) {
    const Deployment& of = cases.emplace_back(whole_case(scenario_, todo_[i].index)).deployment;
    orders.push_back({&of.model, &of.tokens, of.seed});
  }
  prepare_banks(orders, num_threads, bank_cache_folder());
}

void BankBatches::finished(std::size_t batch) {
  making_ = false;
  made_ = batch + 1;
}

}  // namespace moesim
