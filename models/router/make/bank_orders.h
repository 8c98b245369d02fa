// Banks that a sweep will ask for, made ahead of it: those that differ in experts and top_k alone
// share most of their work.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/router/make/bank_key.h"
#include "models/router/make/token_source.h"

namespace moesim {

struct BankOrder {
  const ModelSpec* model;
  const TokenSource* source;
  std::uint64_t seed;
};

// Banks that a cache folder lacks, each once.
class MissingBanks {
 public:
  // Without a folder none is missing, because none could be kept.
  explicit MissingBanks(std::string folder) : folder_(std::move(folder)) {}

  // The bank's number among those missing; nothing if it is there.
  std::optional<std::size_t> add(const BankName& name);

  std::size_t size() const { return families_.size(); }
  // Whether another of them is of the same family.
  bool has_relatives(std::size_t bank) const;

 private:
  std::string folder_;
  std::vector<std::string> families_;          // [bank]
  std::map<std::string, std::size_t> number_;  // By file name.
  std::map<std::string, std::int64_t> family_size_;
};

// Makes the banks of these orders, family by family, and writes them to the folder. A bank
// that could not be written is made by the case that needs it.
// Throws: InputError if a file that a source names cannot be read.
void prepare_banks(std::span<const BankOrder> orders, std::int64_t num_threads,
                   const std::string& folder);

}  // namespace moesim
