// One user off the data centre: the program once computed 64 rows for one, loaded weights at the
// width of the multiplication, and knew neither llama.cpp nor MLX. Published decode rates:
// raullenchai/Rapid-MLX#636, inferencerlabs/inferencer-feedback#300, ggml-org/llama.cpp#19378.
#include <gtest/gtest.h>

#include <string>

#include "hardware/read/profiles.h"
#include "models/spec/model_formats.h"
#include "models/work/kernel_parts.h"
#include "scenarios/run/run.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/sim/in_child.h"

namespace moesim {
namespace {

constexpr const char* kOneUser =
    "schema: 1\n"
    "name: one-user\n"
    "workload:\n"
    "  requests: {closed_loop: {concurrency: 1, requests: 2}}\n"
    "  lengths: {input: 64, output: 128}\n"
    "cases:\n"
    "  - name: a\n";

double tokens_per_s(const std::string& of_case) {
  const auto numbers = in_child([&of_case]() -> std::vector<double> {
    const CaseReport report = simulate(read_text(kOneUser + of_case).cases.at(0), {});
    return {1 / metric(report, Metric::kTpotMean).value()};
  });
  return numbers.size() == 1 ? numbers[0] : 0;
}

void expect_published(const std::string& of_case, double published) {
  EXPECT_NEAR(tokens_per_s(of_case) / published, 1, 0.3) << of_case;
}

// By the engine of the publication and by the one that a scenario means if it names none.
TEST(SmallMachines, DecodeOfOneUserIsAsPublished) {
  const std::string dense =
      "    model: qwen3-8b\n"
      "    dtype: {weights: int4}\n"
      "    cluster: {node: mac-studio-m3-ultra}\n";
  const std::string experts =
      "    model: qwen3-30b-a3b\n"
      "    dtype: {weights: int8}\n"
      "    cluster: {node: mac-studio-m3-ultra}\n";
  const std::string pipeline =
      "    model: gpt-oss-120b\n"
      "    cluster: {node: workstation-4x-rtx-4090}\n"
      "    parallel: {tp: 1, pp: 4}\n";
  // The GGUF file: 8 bit beside the experts.
  const std::string as_gguf =
      "    dtype: {weights: int8, experts: mxfp4, modules: {lm_head: int8}}\n"
      "    engine: llama.cpp\n";
  for (const char* engine : {"", "    engine: mlx\n"}) {
    expect_published(dense + engine, 112.9);
    expect_published(experts + engine, 85.5);
  }
  expect_published(pipeline, 180);
  expect_published(pipeline + as_gguf, 180);
}

double microseconds(const DeviceSpec& device, FormatName format, std::int64_t rows) {
  const Matrix matrix{"up", Matrix::Role::kInput, 4096, 12288};
  const DeviceModel model(device, Watts(0), 1);
  return model.cost(gemm(matrix, rows, named_format(format)), false).busy.value() * 1e6;
}

TEST(SmallMachines, FewerBitsAreFasterForOneUser) {
  for (const char* name : {"h20-96gb", "rtx-5090-32gb", "apple-m3-ultra", "gb10"}) {
    const DeviceSpec device = load_device(name);
    const double int4 = microseconds(device, FormatName::kInt4, 1);
    EXPECT_LT(int4, 0.7 * microseconds(device, FormatName::kFp8, 1)) << name;
    EXPECT_LT(int4, 0.4 * microseconds(device, FormatName::kBf16, 1)) << name;
  }
}

// 4096 x 12288 weights of 16 bit are 100.7 MB: 28.6 us at 0.88 of 4 TB/s, and a little arithmetic.
TEST(SmallMachines, OneRowReadsEachWeightOnce) {
  EXPECT_NEAR(microseconds(load_device("h20-96gb"), FormatName::kBf16, 1), 28.6, 0.03 * 28.6);
}

TEST(SmallMachines, VulkanIsRefusedWhereThereIsNone) {
  const std::string tpu =
      "    model: qwen3-8b\n    cluster: {node: tpu-v5e-1x, nodes: 4, fabric: torus-2d}\n";
  const std::string why = refusal(kOneUser + tpu + "    engine: {backend: vulkan}\n");
  EXPECT_NE(why.find("there is no Vulkan for tpu-v5e"), std::string::npos) << why;
  const std::string halo = "    model: qwen3-8b\n    cluster: {node: strix-halo}\n";
  EXPECT_GT(tokens_per_s(halo + "    engine: {name: llama.cpp, backend: vulkan}\n"),
            tokens_per_s(halo + "    engine: llama.cpp\n"));
}

}  // namespace
}  // namespace moesim
