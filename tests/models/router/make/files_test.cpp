// Banks on disk: the cache and NumPy files.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/document.h"
#include "base/input_error.h"
#include "models/router/make/bank_cache.h"
#include "models/router/make/make_bank.h"
#include "models/router/recorded/npy.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

ModelSpec small_model() {
  MoeSpec moe;
  moe.num_experts = 16;
  moe.top_k = 2;
  ModelSpec model;
  model.name = "small";
  model.architecture = "MadeForCausalLM";
  model.hidden_size = 128;
  model.layers.resize(2);
  for (LayerSpec& layer : model.layers) layer.moe = moe;
  return model;
}

TokenSource small_source() {
  TokenSource source;
  source.sequences = 4;
  source.sequence_tokens = 8;
  return source;
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// A folder of its own for every test.
class RouterFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        (fs::temp_directory_path() / ("moesim_" + std::to_string(::getpid()) + "_" + test->name()))
            .string();
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string cached_path() const {
    return folder_ + "/" + bank_file_name(small_model(), small_source(), 1);
  }
  RoutingBank cached() const {
    return cached_routing_bank(small_model(), small_source(), 1, folder_);
  }
  static RoutingBank made() { return make_routing_bank(small_model(), small_source(), 1); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string folder_;
};

TEST_F(RouterFiles, CacheChangesNothing) {
  for (int i = 0; i < 2; ++i) {
    const RoutingBank bank = cached();
    EXPECT_EQ(bank.ids, made().ids);
    EXPECT_EQ(bank.provenance, made().provenance);
    EXPECT_EQ(bank.num_experts, 16);
  }
  EXPECT_EQ(files(), 1U);
}

TEST_F(RouterFiles, CacheIsReallyRead) {
  RoutingBank bank = made();
  bank.ids[0] = static_cast<std::uint16_t>((bank.ids[0] + 1) % 16);
  ASSERT_TRUE(write_bank(bank, cached_path()));
  EXPECT_EQ(cached().ids, bank.ids);
}

TEST_F(RouterFiles, TruncatedAndForeignFilesAreMadeAnew) {
  cached();
  const std::string whole = read_file(cached_path());
  std::string flipped = whole;
  flipped[whole.size() / 2] = static_cast<char>(flipped[whole.size() / 2] ^ 1);
  std::string huge = whole;
  for (std::size_t i = 16; i < 56; ++i) huge[i] = '\x7f';
  for (const std::string& damaged :
       {std::string("not a bank"), whole.substr(0, whole.size() - 1), whole.substr(0, 20),
        whole + "x", flipped, huge, std::string(" ")}) {
    write_text(cached_path(), damaged);
    EXPECT_FALSE(read_bank(cached_path()));
    EXPECT_EQ(cached().ids, made().ids);
    EXPECT_EQ(read_file(cached_path()), whole);
  }
}

TEST_F(RouterFiles, ABankOfAnotherModelIsNotTaken) {
  RoutingBank other = made();
  other.ids[3] = 16;  // No such expert here.
  ASSERT_TRUE(write_bank(other, cached_path()));
  EXPECT_EQ(cached().ids, made().ids);
}

TEST_F(RouterFiles, TwoWritersLeaveOneGoodFile) {
  std::thread first([&] { cached(); });
  std::thread second([&] { cached(); });
  first.join();
  second.join();
  EXPECT_EQ(files(), 1U);
  ASSERT_TRUE(read_bank(cached_path()));
  EXPECT_EQ(read_bank(cached_path())->ids, made().ids);
}

TEST_F(RouterFiles, WithoutAFolderThatCanBeWrittenTheBankIsMade) {
  write_text(folder_ + "/file", "in the way");
  const RoutingBank bank =
      cached_routing_bank(small_model(), small_source(), 1, folder_ + "/file/below");
  EXPECT_EQ(bank.ids, made().ids);
  EXPECT_EQ(cached_routing_bank(small_model(), small_source(), 1, "").ids, made().ids);
}

TEST_F(RouterFiles, CacheFileNamesDependOnAllThatIdsDependOn) {
  const std::string name = bank_file_name(small_model(), small_source(), 1);
  EXPECT_NE(bank_file_name(small_model(), small_source(), 2), name);
  TokenSource source = small_source();
  source.sequences = 5;
  EXPECT_NE(bank_file_name(small_model(), source, 1), name);
  ModelSpec model = small_model();
  model.hidden_size = 256;
  EXPECT_NE(bank_file_name(model, small_source(), 1), name);
  model = small_model();
  for (LayerSpec& layer : model.layers) layer.moe->router.correction_bias = true;
  EXPECT_NE(bank_file_name(model, small_source(), 1), name);
  EXPECT_EQ(bank_file_name(small_model(), small_source(), 1), name);
}

TEST_F(RouterFiles, NumpyFilesComeBackAsTheyWere) {
  const RoutingBank bank = made();
  const std::string path = folder_ + "/ids.npy";
  write_npy(bank, path);
  const RoutingBank back = read_npy(path, small_model(), 8);
  EXPECT_EQ(back.ids, bank.ids);
  EXPECT_EQ(back.sequences, 4);
  EXPECT_EQ(back.sequence_tokens, 8);
  EXPECT_EQ(read_npy(path, small_model(), 7).sequences, 4);  // 28 of 32 tokens.
}

TEST_F(RouterFiles, NumpyDataBeginAlignedInTokenLayerOrder) {
  RoutingBank bank;
  bank.num_layers = 2;
  bank.top_k = 1;
  bank.num_experts = 16;
  bank.sequences = 1;
  bank.sequence_tokens = 2;
  bank.ids = {1, 2, 3, 4};  // Layer 0: 1 2, layer 1: 3 4.
  write_npy(bank, folder_ + "/ids.npy");
  const std::string text = read_file(folder_ + "/ids.npy");
  ASSERT_EQ(text.size() % 64, 16U);  // Four int32 after whole lines of 64 bytes.
  EXPECT_EQ(text[text.size() - 16], 1);
  EXPECT_EQ(text[text.size() - 12], 3);
  EXPECT_EQ(text[text.size() - 8], 2);
  EXPECT_EQ(text[text.size() - 4], 4);
}

std::string refusal(const std::string& path, const ModelSpec& model) {
  try {
    read_npy(path, model);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_F(RouterFiles, NumpyFilesOfAnotherShapeAreRefused) {
  const std::string path = folder_ + "/ids.npy";
  write_npy(made(), path);
  ModelSpec model = small_model();
  model.layers.resize(1);
  EXPECT_NE(refusal(path, model).find("shape (32, 2, 2)"), std::string::npos);
  model = small_model();
  for (LayerSpec& layer : model.layers) layer.moe->num_experts = 2;
  EXPECT_NE(refusal(path, model).find("0 to 1"), std::string::npos);
}

TEST_F(RouterFiles, BrokenNumpyFilesAreRefusedByName) {
  const std::string path = folder_ + "/ids.npy";
  write_npy(made(), path);
  const std::string whole = read_file(path);
  std::string floats = whole;
  floats.replace(floats.find("<i4"), 3, "<f4");
  std::string swapped = whole;
  swapped.replace(swapped.find("<i4"), 3, ">i4");
  std::string endless = whole;
  endless.replace(endless.find("(32,"), 4, "(99,");
  for (const std::string& broken : {std::string("x"), whole.substr(0, 9), whole.substr(0, 100),
                                    whole.substr(0, whole.size() - 1), floats, swapped, endless}) {
    write_text(path, broken);
    EXPECT_NE(refusal(path, small_model()).find("ids.npy"), std::string::npos);
  }
  EXPECT_NE(refusal(folder_ + "/missing.npy", small_model()), "");
  EXPECT_THROW(write_npy(made(), folder_ + "/no/such/folder.npy"), InputError);
}

}  // namespace
}  // namespace moesim
