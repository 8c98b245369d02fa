// Measured tables take the place of the model where they cover a shape, and nowhere else.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/input_error.h"
#include "hardware/kernels/kernel.h"
#include "hardware/kernels/measured_kernels.h"
#include "hardware/read/hardware_card.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;
using namespace literals;

const std::string kNotes =
    "# device: H100\n# driver: 550.1\n# library: torch 2.5\n# date: 2026-05-31\n# launch: 2 us\n";

// A user's H100 profile with tables of its own, in a folder that goes with the test.
class Measured : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("moesim_measured_") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    const std::string shipped =
        read_file(data_folder("hardware/profiles") + "/devices/h100-sxm-80gb.yaml");
    write("mine.yaml", shipped + "measured: [t.csv]\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  DeviceSpec device(const std::string& table) const {
    write("t.csv", table);
    return load_device(path("mine.yaml"));
  }
  DeviceModel model(const std::string& rows, Watts limit = Watts(0)) const {
    return DeviceModel(device(kNotes + rows), limit, 1);
  }
  // What is refused, without the folder.
  std::string refusal(const std::string& table) const {
    try {
      device(table);
    } catch (const InputError& error) {
      std::string text = error.what();
      const std::string prefix = folder_.string() + "/";
      for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
        text.erase(at, prefix.size());
      }
      return text;
    }
    return "accepted";
  }

  fs::path folder_;
};

Kernel gemm(std::int64_t m, std::int64_t n, std::int64_t k, Dtype dtype = Dtype::kBf16) {
  Kernel kernel;
  kernel.kind = KernelKind::kGemm;
  kernel.dtype = kernel.weights = dtype;
  kernel.m = m, kernel.n = n, kernel.k = k;
  const double mk = static_cast<double>(m * k), nk = static_cast<double>(n * k);
  kernel.flops = Flops(2 * mk * static_cast<double>(n));
  kernel.bytes = Bytes(element_bytes(dtype) * (mk + nk));
  return kernel;
}

Kernel experts(std::int64_t rows, std::int64_t hit) {
  Kernel kernel = gemm(rows, 4096, 4096);
  kernel.kind = KernelKind::kGroupedGemm;
  kernel.groups = hit;
  return kernel;
}

// 32 heads of 128, 8 KV heads.
Kernel attention(KernelKind kind, double sequences, double queries, double keys) {
  Kernel kernel;
  kernel.kind = kind;
  kernel.attention = {32, 8, 128, 128, 0, Dtype::kBf16, sequences, queries, keys};
  kernel.flops = Flops(2 * 32 * 256 * sequences * queries * keys);
  kernel.bytes = Bytes(8 * 256 * 2 * sequences * keys);
  return kernel;
}

const std::string kGemms =
    "kind,dtype,m,n,k,time_s\n"
    "gemm,bf16,64,8192,8192,102e-6\n"
    "gemm,bf16,16,8192,8192,52e-6\n"  // Rows may stand in any order.
    "gemm,bf16,256,8192,8192,202e-6\n";

double busy(const DeviceModel& model, const Kernel& kernel) {
  return model.cost(kernel, false).busy.value();
}

TEST_F(Measured, TimeLessTheLaunchThatItContainsReplacesTheModel) {
  const DeviceModel mine = model(kGemms);
  const KernelCost cost = mine.cost(gemm(64, 8192, 8192), false);
  EXPECT_DOUBLE_EQ(cost.busy.value(), 100e-6);
  EXPECT_DOUBLE_EQ(cost.launch.value(), mine.device().family.launch.value());
  EXPECT_TRUE(cost.measured);
}

TEST_F(Measured, TimeIsInterpolatedOnALineInLogarithms) {
  // 32 lies halfway between 16 and 64, so the time is the geometric mean.
  EXPECT_NEAR(busy(model(kGemms), gemm(32, 8192, 8192)), std::sqrt(52e-6 * 102e-6) - 2e-6, 1e-12);
}

TEST_F(Measured, NothingIsExtrapolatedOrCarriedToAnotherShape) {
  const DeviceModel mine = model(kGemms);
  const DeviceModel shipped(load_device("h100-sxm-80gb"), Watts(0), 1);
  for (const Kernel& kernel :
       {gemm(15, 8192, 8192), gemm(257, 8192, 8192), gemm(64, 8192, 4096), gemm(64, 4096, 8192),
        gemm(64, 8192, 8192, Dtype::kFp8), experts(64, 1)}) {
    EXPECT_FALSE(mine.cost(kernel, false).measured);
    EXPECT_DOUBLE_EQ(busy(mine, kernel), busy(shipped, kernel));
  }
}

TEST_F(Measured, WeightsOfAnotherFormatAreAnotherKernel) {
  Kernel kernel = gemm(64, 8192, 8192);
  kernel.weights = Dtype::kInt4;
  EXPECT_FALSE(model(kGemms).cost(kernel, false).measured);
  EXPECT_TRUE(model("kind,dtype,weight_dtype,m,n,k,time_s\ngemm,bf16,int4,64,8192,8192,1e-4\n")
                  .cost(kernel, false)
                  .measured);
}

TEST_F(Measured, AGapOfMoreThanFourIsNotBridged) {
  const std::string rows = "kind,dtype,m,n,k,time_s\ngemm,bf16,1,8192,8192,6e-5\n";
  EXPECT_TRUE(
      model(rows + "gemm,bf16,4,8192,8192,6e-5\n").cost(gemm(2, 8192, 8192), false).measured);
  EXPECT_FALSE(
      model(rows + "gemm,bf16,5,8192,8192,6e-5\n").cost(gemm(2, 8192, 8192), false).measured);
}

TEST_F(Measured, GroupedGemmIsFoundByExpertsHitAndRowsPerExpert) {
  const DeviceModel mine = model(
      "kind,dtype,m,n,k,groups,time_s\n"
      "grouped_gemm,bf16,8,4096,4096,2,32e-6\ngrouped_gemm,bf16,32,4096,4096,2,34e-6\n"
      "grouped_gemm,bf16,32,4096,4096,8,122e-6\ngrouped_gemm,bf16,128,4096,4096,8,130e-6\n");
  EXPECT_NEAR(busy(mine, experts(8, 2)), 30e-6, 1e-12);
  // 4 experts of 4 rows lie between 2 of 4 and 8 of 4.
  EXPECT_NEAR(busy(mine, experts(16, 4)), std::sqrt(32e-6 * 122e-6) - 2e-6, 1e-12);
  EXPECT_FALSE(mine.cost(experts(8, 4), false).measured);  // 2 rows per expert.
}

TEST_F(Measured, DecodeIsFoundBySequencesAndMeanKeys) {
  const DeviceModel mine = model(
      "kind,dtype,batch,kv_len,heads,kv_heads,head_dim,time_s\n"
      "decode_attention,bf16,16,1024,32,8,128,42e-6\n"
      "decode_attention,bf16,16,4096,32,8,128,162e-6\n");
  EXPECT_NEAR(busy(mine, attention(KernelKind::kDecodeAttention, 16, 1, 2048)),
              std::sqrt(42e-6 * 162e-6) - 2e-6, 1e-12);
  EXPECT_FALSE(mine.cost(attention(KernelKind::kDecodeAttention, 17, 1, 2048), false).measured);
}

TEST_F(Measured, PrefillIsLinearInTheCachedTokens) {
  const DeviceModel mine = model(
      "kind,dtype,batch,seq,past,heads,kv_heads,head_dim,time_s\n"
      "prefill_attention,bf16,1,2048,0,32,8,128,102e-6\n"
      "prefill_attention,bf16,1,2048,8192,32,8,128,902e-6\n");
  EXPECT_NEAR(busy(mine, attention(KernelKind::kPrefillAttention, 1, 2048, 2048)), 300e-6, 1e-12);
}

TEST_F(Measured, ElementwiseRunsCountEachLaunch) {
  Kernel norms;
  norms.bytes = 8.0_MB;
  norms.launches = 2;
  const DeviceModel mine = model("kind,bytes,time_s\nelementwise,4000000,5e-6\n");
  EXPECT_NEAR(busy(mine, norms), 2 * 3e-6, 1e-12);
}

TEST_F(Measured, PowerReplacesThatOfTheModel) {
  const DeviceModel mine = model(
      "kind,dtype,m,n,k,time_s,power_w\ngemm,bf16,64,8192,8192,102e-6,500\n"
      "gemm,bf16,16,8192,8192,102e-6,200\n");
  const double resident = 0.3 * 700;  // Of the family.
  const KernelCost cost = mine.cost(gemm(64, 8192, 8192), false);
  // 500 W during 102 us, of which 2 us at resident power are the launch that was measured.
  EXPECT_NEAR(cost.energy.value(), resident * cost.launch.value() + 500 * 102e-6 - resident * 2e-6,
              1e-9);
  const KernelCost low = mine.cost(gemm(16, 8192, 8192), false);
  EXPECT_NEAR(low.energy.value(), resident * low.launch.value() + 200 * 100e-6, 1e-9);
}

TEST_F(Measured, APowerLimitSlowsMeasuredKernelsToo) {
  const std::string rows = "kind,dtype,m,n,k,time_s,power_w\ngemm,bf16,8192,8192,8192,1.6e-3,690\n";
  const Kernel kernel = gemm(8192, 8192, 8192);
  const KernelCost cost = model(rows, Watts(350)).cost(kernel, false);
  EXPECT_GT(cost.busy.value(), 1.2 * busy(model(rows), kernel));
  EXPECT_LE(cost.energy.value(), 350 * cost.time().value() * (1 + 1e-9));
  EXPECT_NEAR(busy(model(rows, Watts(699)), kernel), busy(model(rows), kernel), 2e-5);
}

TEST_F(Measured, TablesStandInTheFactsWithDeviceDateAndVersions) {
  const std::vector<Fact> facts = device(kNotes + kGemms).facts;
  ASSERT_FALSE(facts.empty());
  EXPECT_EQ(facts.back().path, "devices/mine: measured t.csv");
  EXPECT_EQ(facts.back().text, "3 gemm");
  EXPECT_EQ(facts.back().source, "Measured on H100, 2026-05-31; driver 550.1; torch 2.5");
  EXPECT_EQ(facts.back().confidence, "measured");
  EXPECT_NE(hardware_card_text(load_hardware_card(path("mine.yaml"))).find("measured t.csv"),
            std::string::npos);
}

TEST_F(Measured, EveryBadCellIsNamedAtOnce) {
  EXPECT_EQ(refusal(kNotes + "kind,dtype,m,n,k,time_s\n"
                             "gem,bf16,64,8192,8192,1e-4\n"
                             "gemm,bf17,64,8192,8192,1e-4\n"
                             "gemm,bf16,0,8192,8192,1e-4\n"
                             "gemm,bf16,64,8192,8192,-1e-4\n"
                             "gemm,bf16,64,8192,8192,0\n"
                             "gemm,bf16,64,8192,8192,nan\n"
                             "gemm,bf16,64,8192,8192\n"
                             "gemm,bf16,64,,8192,1e-4\n"),
            "t.csv:7: kind: gem: one of gemm, grouped_gemm, prefill_attention, decode_attention, "
            "elementwise\n"
            "t.csv:8: dtype: bf17: one of fp32, bf16, fp16, fp8, fp4, int8, int4\n"
            "t.csv:9: m: 0: a whole number from 1 to 1000000000 expected\n"
            "t.csv:10: time_s: -1e-4: a number above 0 and up to 10000 expected\n"
            "t.csv:11: time_s: 0: a number above 0 and up to 10000 expected\n"
            "t.csv:12: time_s: nan: a number above 0 and up to 10000 expected\n"
            "t.csv:13: 5 cells: 6 cells, as many as columns, expected\n"
            "t.csv:14: n: nothing: gemm rows need it");
}

TEST_F(Measured, RepeatedShapesAreRefusedAlsoAcrossTables) {
  EXPECT_EQ(refusal(kNotes + kGemms + "gemm,bf16,64,8192,8192,103e-6\n"),
            "t.csv:10: the same shape again: one row per shape; it stands in t.csv:7");
  write("u.csv", kNotes + kGemms);
  const std::string profile = read_file(path("mine.yaml"));
  write("mine.yaml", profile.substr(0, profile.find("measured:")) + "measured: [t.csv, u.csv]\n");
  EXPECT_NE(refusal(kNotes + kGemms)
                .find("u.csv:7: the same shape again: one row per shape; it "
                      "stands in t.csv:7"),
            std::string::npos);
}

TEST_F(Measured, MissingUnknownAndRepeatedColumnsAreRefused) {
  EXPECT_EQ(refusal(kNotes + "kind,dtype,m,n,time\ngemm,bf16,1,1,1\n"),
            "t.csv:6: time: unknown column; did you mean time_s?\n"
            "t.csv:6: time_s: column is missing; every row needs it");
  EXPECT_EQ(refusal(kNotes + "kind,dtype,m,n,time_s\ngemm,bf16,1,64,1e-5\ngemm,bf16,2,64,1e-5\n"),
            "t.csv:7: k: column is missing; gemm rows need it");
  EXPECT_EQ(refusal(kNotes + "kind,kind,bytes,time_s\n"), "t.csv:6: kind: a column may stand once");
  EXPECT_EQ(refusal(kNotes + "kind,bytes,m,time_s\nelementwise,4000000,2,1e-5\n"),
            "t.csv:7: m: 2: must be empty: elementwise rows do not have it");
}

TEST_F(Measured, TimesInAnotherUnitAreRefused) {
  const std::string row = "kind,dtype,m,n,k,time_s\ngemm,bf16,8192,8192,8192,";
  // 1.1 TFLOP at 989 TFLOP/s take 1.1 ms.
  EXPECT_EQ(refusal(kNotes + row + "1.6e-3\n"), "accepted");
  EXPECT_NE(refusal(kNotes + row + "1.6\n").find("time_s: 1.6: seconds expected, at most 0."),
            std::string::npos);
  EXPECT_NE(refusal(kNotes + row + "1.6e-6\n").find("time_s: 1.6e-6: seconds expected, at least"),
            std::string::npos);
}

TEST_F(Measured, ATableWithoutLaunchSaysSo) {
  std::string notes = kNotes;
  notes.replace(notes.find("2 us"), 4, "0 s");
  const DeviceModel mine(device(notes + kGemms), Watts(0), 1);
  EXPECT_DOUBLE_EQ(busy(mine, gemm(64, 8192, 8192)), 102e-6);
}

TEST_F(Measured, DrawsMakeAllTimesOfATableLongerOrShorterAlike) {
  write("t.csv", kNotes + kGemms);
  std::vector<double> ratios;
  for (std::int64_t sample = 1; sample <= 8; ++sample) {
    const DeviceModel drawn(load_device(path("mine.yaml"), {1, sample, 8}), Watts(0), 1);
    const double ratio = busy(drawn, gemm(64, 8192, 8192)) / 100e-6;
    EXPECT_NEAR(busy(drawn, gemm(16, 8192, 8192)) / 50e-6, ratio, 1e-9);
    ratios.push_back(ratio);
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  EXPECT_GE(*least, 0.95);
  EXPECT_LT(*least, 0.98);
  EXPECT_GT(*most, 1.02);
  EXPECT_LE(*most, 1.05);
}

TEST_F(Measured, NotesThatSayWhereItComesFromAreRequired) {
  EXPECT_EQ(refusal("# device: H100\n# dat: 2026-05-31\n# launch: 2\nkind,bytes,time_s\n"),
            "t.csv:2: dat: 2026-05-31: # KEY: TEXT expected; did you mean date?\n"
            "t.csv:3: launch: 2: a time such as 2.1 us, or 0 s, up to 1 ms expected\n"
            "t.csv: driver: missing; a line \"# driver: ...\" before the columns expected\n"
            "t.csv: library: missing; a line \"# library: ...\" before the columns expected\n"
            "t.csv: date: missing; a line \"# date: ...\" before the columns expected");
  EXPECT_EQ(refusal(""), "t.csv: a header row with kind, ..., time_s expected");
}

TEST_F(Measured, ManyFaultsAreCountedAndAMissingFileIsNamed) {
  std::string rows = kNotes + "kind,bytes,time_s\n";
  for (int i = 0; i < 100; ++i) rows += "elementwise,x,1e-5\n";
  EXPECT_NE(refusal(rows).find("t.csv: 80 more faults"), std::string::npos);
  fs::remove(folder_ / "t.csv");
  try {
    load_device(path("mine.yaml"));
    ADD_FAILURE() << "accepted";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("t.csv: t.csv: no such file"), std::string::npos);
  }
}

}  // namespace
}  // namespace moesim
