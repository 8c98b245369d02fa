// Banks kept on disk: what their names depend on, and several processes at once.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <set>

#include "base/document.h"
#include "models/router/make/bank_cache.h"
#include "models/router/make/bank_orders.h"
#include "models/router/make/cache_eviction.h"
#include "models/router/make/make_bank.h"
#include "tests/models/router/recorded/recorded_files.h"
#include "tests/models/router/router_models.h"

namespace moesim {
namespace {

ModelSpec small() {
  return made::router_model(made::softmax_router(16, 2), "MadeForCausalLM", 2, 128);
}

TokenSource small_source() {
  TokenSource source;
  source.sequences = 4;
  source.sequence_tokens = 8;
  return source;
}

class RouterCache : public made::Folder {
 protected:
  std::string folder() const { return path(""); }
  std::string gate_of(float start) const {
    std::vector<float> weight(16 * 128, start);
    std::vector<made::Tensor> tensors;
    for (const char* name : {"model.layers.0.mlp.gate.weight", "model.layers.1.mlp.gate.weight"}) {
      tensors.push_back({name, "F32", "[16,128]", made::bytes_of(weight)});
    }
    return file("model.safetensors", made::safetensors(tensors));
  }
};

// A new field does not compile here: it belongs into bank_key.cpp and into the lists below.
[[maybe_unused]] void name_every_field(const RouterSpec& router, const TokenSource& source) {
  [[maybe_unused]] const auto& [r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, capacity,
                                r15, r16, r17, r18] = router;
  [[maybe_unused]] const auto& [c1, c2, c3, c4, c5, c6, c7] = capacity;
  [[maybe_unused]] const auto& [s1, s2, s3, s4, s5, s6, s7, training] = source;
  [[maybe_unused]] const auto& [balance, t2, t3, t4, t5] = training;
  [[maybe_unused]] const auto& [b1, b2, b3, b4, b5, b6, b7, b8, b9, b10] = balance;
}

template <typename T>
std::set<std::string> names_after(const std::vector<std::function<void(T&)>>& changes, T start,
                                  const std::function<std::string(const T&)>& name) {
  std::set<std::string> names = {name(start)};
  for (const auto& change : changes) {
    T changed = start;
    change(changed);
    names.insert(name(changed));
  }
  return names;
}

TEST_F(RouterCache, NamesDependOnEveryFieldOfTheRouter) {
  using R = RouterSpec;
  const std::vector<std::function<void(R&)>> changes = {
      [](R& r) { r.score = ScoreFunction::kSigmoid; },
      [](R& r) { r.order = SelectionOrder::kTopKThenScore; },
      [](R& r) { r.rule = SelectionRule::kHash; },
      [](R& r) { r.renormalise = true; },
      [](R& r) { r.gate_bias = true; },
      [](R& r) { r.correction_bias = true; },
      [](R& r) { r.num_groups = 2; },
      [](R& r) { r.top_groups = 2; },
      [](R& r) { r.group_score = GroupScore::kLargest; },
      [](R& r) { r.group_mask = GroupMask::kZero; },
      [](R& r) { r.scaling = 2; },
      [](R& r) { r.jitter = 0.01; },
      [](R& r) { r.num_zero_experts = 1; },
      [](R& r) { r.capacity.factor = 1; },
      [](R& r) { r.capacity.least = 1; },
      [](R& r) { r.capacity.drop = DropPolicy::kByPosition; },
      [](R& r) { r.capacity.pad = true; },
      [](R& r) { r.capacity.block = 2; },
      [](R& r) { r.capacity.training_factor = 0; },
      [](R& r) { r.capacity.fixed = 1; },
      [](R& r) { r.renormalise_floor = 1e-12; },
      [](R& r) { r.scale_renormalised = false; },
      [](R& r) { r.weigh_input = true; },
      [](R& r) { r.mixer_jitter = 0.01; }};
  const auto name = [](const R& router) {
    ModelSpec model = small();
    for (LayerSpec& layer : model.layers) layer.moe->router = router;
    return bank_file_name(model, small_source(), 1);
  };
  EXPECT_EQ(names_after<R>(changes, small().moe().router, name).size(), changes.size() + 1);
}

TEST_F(RouterCache, NamesDependOnEveryFieldOfTheSource) {
  using S = TokenSource;
  const std::vector<std::function<void(S&)>> changes = {
      [](S& s) { s.policy = TokenPolicy::kTrained; },
      [](S& s) { s.alpha = 2; },
      [](S& s) { s.sequences = 5; },
      [](S& s) { s.sequence_tokens = 9; },
      [](S& s) { s.domain = "c4"; },
      [](S& s) { s.training.balance.aux_loss = 0.01; },
      [](S& s) { s.training.balance.sequence_aux_loss = 0.01; },
      [](S& s) { s.training.balance.gshard_loss = 0.01; },
      [](S& s) { s.training.balance.z_loss = 0.01; },
      [](S& s) { s.training.balance.importance_loss = 0.01; },
      [](S& s) { s.training.balance.load_loss = 0.01; },
      [](S& s) { s.training.balance.device_loss = 0.01; },
      [](S& s) { s.training.balance.communication_loss = 0.01; },
      [](S& s) { s.training.balance.devices = 2; },
      [](S& s) { s.training.balance.bias_rate = 0.01; },
      [](S& s) { s.training.steps = 5; },
      [](S& s) { s.training.batch_tokens = 16; },
      [](S& s) { s.training.gate_rate = 0.1; },
      [](S& s) { s.training.expert_rate = 0.1; }};
  const auto name = [](const S& source) { return bank_file_name(small(), source, 1); };
  EXPECT_EQ(names_after<S>(changes, small_source(), name).size(), changes.size() + 1);
}

TEST_F(RouterCache, NamesDependOnTheContentOfTheFilesInTheSource) {
  TokenSource source = small_source();
  source.gate = gate_of(1);
  const std::string gates = bank_file_name(small(), source, 1);
  EXPECT_EQ(bank_file_name(small(), source, 1), gates);
  gate_of(2);
  EXPECT_NE(bank_file_name(small(), source, 1), gates);
  source = small_source();
  source.policy = TokenPolicy::kRecorded;
  source.trace = file("trace.csv", "layer,expert\n");
  const std::string trace = bank_file_name(small(), source, 1);
  file("trace.csv", "layer,expert\n0,1\n");
  EXPECT_NE(bank_file_name(small(), source, 1), trace);
}

TEST_F(RouterCache, OriginAndTrainingComeBack) {
  RoutingBank bank = make_routing_bank(small(), small_source(), 1);
  bank.origin = RoutingOrigin::kDrawnFromCounts;
  bank.training = {{100, 3.5, 0.5, 7, 0.25}, {200, 1.01, 0.0, 0, 0.2}};
  bank.ids[5] = kNoExpert;
  ASSERT_TRUE(write_bank(bank, path("x.bank")));
  const auto back = read_bank(path("x.bank"));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ids, bank.ids);
  EXPECT_EQ(back->origin, RoutingOrigin::kDrawnFromCounts);
  EXPECT_EQ(back->provenance, bank.provenance);
  ASSERT_EQ(back->training.size(), 2U);
  EXPECT_EQ(back->training[0].dead_experts, 7);
  EXPECT_EQ(back->training[1].max_over_mean, 1.01);
}

// Of a sweep's banks those that differ in experts and top_k alone are made ahead, and are what each
// point would have made; whoever is alone in its family makes its own.
TEST_F(RouterCache, RelatedBanksAreMadeAheadOnce) {
  std::vector<ModelSpec> models;
  for (const std::int64_t top_k : {1, 2, 2, 3}) {
    models.push_back(
        made::router_model(made::softmax_router(8 + top_k, top_k), "MadeForCausalLM", 2, 128));
  }
  const TokenSource source = small_source();
  const auto name = [&](std::size_t model, std::uint64_t seed) {
    return bank_name(models[model], source, seed);
  };
  MissingBanks missing(folder());
  EXPECT_EQ(missing.add(name(0, 1)), 0U);
  EXPECT_EQ(missing.add(name(1, 1)), 1U);
  EXPECT_EQ(missing.add(name(2, 1)), 1U);  // The same again.
  EXPECT_EQ(missing.add(name(3, 2)), 2U);  // Another seed: other tokens.
  EXPECT_TRUE(missing.has_relatives(0));
  EXPECT_TRUE(missing.has_relatives(1));
  EXPECT_FALSE(missing.has_relatives(2));
  const std::vector<BankOrder> orders = {{&models[0], &source, 1}, {&models[1], &source, 1}};
  prepare_banks(orders, 2, folder());
  for (std::size_t i = 0; i < 2; ++i) {
    const auto bank = read_bank(path(bank_file_name(models[i], source, 1)));
    ASSERT_TRUE(bank);
    EXPECT_EQ(bank->ids, make_routing_bank(models[i], source, 1).ids);
  }
  EXPECT_FALSE(MissingBanks(folder()).add(name(0, 1)));
  EXPECT_TRUE(MissingBanks(folder()).add(name(3, 2)));
  EXPECT_FALSE(MissingBanks("").add(name(3, 2)));  // None could be kept.
}

// Four processes want the same bank at the same time.
// Three files of ten bytes, used in the order of their names but for the first, which was read.
TEST_F(RouterCache, LongestUnusedBanksMakeRoom) {
  const auto write = [&](const std::string& name, int age_seconds) {
    std::ofstream(path(name)) << "0123456789";
    std::filesystem::last_write_time(path(name), std::filesystem::file_time_type::clock::now() -
                                                     std::chrono::seconds(age_seconds));
  };
  write("a.bank", 30);
  write("b.bank.17.0", 20);
  write("c.bank", 10);
  write("notes.txt", 40);
  mark_used(path("a.bank"));
  evict_banks(folder(), 20, 0);
  EXPECT_TRUE(std::filesystem::exists(path("a.bank")));
  EXPECT_FALSE(std::filesystem::exists(path("b.bank.17.0")));
  EXPECT_TRUE(std::filesystem::exists(path("c.bank")));
  evict_banks(folder(), 20, std::numeric_limits<std::uintmax_t>::max());  // No disk is as large.
  EXPECT_FALSE(std::filesystem::exists(path("a.bank")));
  EXPECT_TRUE(std::filesystem::exists(path("notes.txt")));
}

TEST_F(RouterCache, ProcessesThatWriteAtOnceLeaveOneGoodFile) {
  const auto cached = [&] { return cached_routing_bank(small(), small_source(), 1, folder()); };
  const std::vector<std::uint16_t> ids = make_routing_bank(small(), small_source(), 1).ids;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(cached().ids == ids ? 0 : 1);
    ASSERT_GT(child, 0);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder()), {}), 1);
  const auto bank = read_bank(path(bank_file_name(small(), small_source(), 1)));
  ASSERT_TRUE(bank);
  EXPECT_EQ(bank->ids, ids);
}

}  // namespace
}  // namespace moesim
