#include "models/router/make/bank_orders.h"

#include <algorithm>
#include <filesystem>

#include "models/router/make/bank_cache.h"
#include "models/router/make/cache_eviction.h"
#include "models/router/make/make_bank.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

// Of banks made together: enough that the work they share costs little, and memory stays modest.
constexpr double kMostBytesTogether = 256e6;

double bytes_of(const BankOrder& order) {
  return static_cast<double>(order.model->num_moe_layers() * order.source->sequences *
                             order.source->sequence_tokens * order.model->moe().top_k) *
         sizeof(std::uint16_t);
}

using Families = std::map<std::string, std::vector<BankOrder>>;

// [family] by rising number of experts.
Families by_family(std::span<const BankOrder> orders) {
  Families families;
  for (const BankOrder& order : orders) {
    families[bank_name(*order.model, *order.source, order.seed).family].push_back(order);
  }
  const auto experts = [](const BankOrder& order) { return order.model->moe().num_experts; };
  for (auto& [name, family] : families) std::ranges::stable_sort(family, {}, experts);
  return families;
}

void prepare_together(std::span<const BankOrder> orders, std::int64_t num_threads,
                      const std::string& folder) {
  const TokenSource& source = *orders[0].source;
  std::vector<const ModelSpec*> models;
  for (const BankOrder& order : orders) models.push_back(order.model);
  const std::vector<RoutingBank> banks =
      make_routing_banks(models, source, orders[0].seed, num_threads);
  for (std::size_t i = 0; i < banks.size(); ++i) {
    const std::string name = bank_file_name(*models[i], source, orders[0].seed);
    if (!write_bank(banks[i], (fs::path(folder) / name).string())) return;
  }
  evict_banks(folder);
}

}  // namespace

std::optional<std::size_t> MissingBanks::add(const BankName& name) {
  if (folder_.empty()) return std::nullopt;
  if (const auto known = number_.find(name.file); known != number_.end()) return known->second;
  std::error_code error;
  if (const fs::path kept = fs::path(folder_) / name.file; fs::exists(kept, error)) {
    mark_used(kept.string());  // So that it is still there when the sweep comes to it.
    return std::nullopt;
  }
  number_[name.file] = families_.size();
  families_.push_back(name.family);
  ++family_size_[name.family];
  return families_.size() - 1;
}

bool MissingBanks::has_relatives(std::size_t bank) const {
  return family_size_.at(families_[bank]) > 1;
}

void prepare_banks(std::span<const BankOrder> orders, std::int64_t num_threads,
                   const std::string& folder) {
  for (const auto& [name, family] : by_family(orders)) {
    for (std::size_t first = 0; first < family.size();) {
      std::size_t end = first;
      for (double bytes = 0; end < family.size() && bytes < kMostBytesTogether; ++end) {
        bytes += bytes_of(family[end]);
      }
      prepare_together(std::span(family).subspan(first, end - first), num_threads, folder);
      first = end;
    }
  }
}

}  // namespace moesim
