#include "hardware/read/profiles.h"

#include "hardware/network/cluster_check.h"

// The header copies file names with strncpy and cuts them on purpose.
#pragma GCC diagnostic ignored "-Wstringop-truncation"
#include <gtest/gtest.h>
#include <libfccp/csv.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/input_error.h"
#include "hardware/read/hardware_card.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKinds[] = {"devices", "nodes",    "fabrics", "sites",
                                  "links",   "families", "backends"};

TEST(Profiles, AllShippedOnesLoad) {
  for (const auto& name : profile_names("devices")) EXPECT_NO_THROW(load_device(name)) << name;
  for (const auto& name : profile_names("nodes")) EXPECT_NO_THROW(load_node(name)) << name;
  for (const auto& name : profile_names("fabrics")) EXPECT_NO_THROW(load_fabric(name)) << name;
  for (const auto& name : profile_names("sites")) EXPECT_NO_THROW(load_site(name)) << name;
  for (const auto& name : profile_names("links")) EXPECT_NO_THROW(load_link(name)) << name;
  for (const auto& name : profile_names("families")) EXPECT_NO_THROW(load_family(name)) << name;
  EXPECT_GE(profile_names("devices").size(), 30u);
}

TEST(Profiles, H100IsWhatItsDataSheetSays) {
  const DeviceSpec h100 = load_device("h100-sxm-80gb");
  EXPECT_DOUBLE_EQ(h100.peak_of(Dtype::kBf16).value(), 989.4e12);
  EXPECT_DOUBLE_EQ(h100.memory_bandwidth.value(), 3.35e12);
  EXPECT_DOUBLE_EQ(h100.link_bandwidth.value(), 450e9);
  EXPECT_DOUBLE_EQ(h100.tdp.value(), 700);
  EXPECT_EQ(h100.num_sms, 132);
  EXPECT_EQ(h100.family.name, "hopper");
  EXPECT_EQ(h100.link_technology.name, "nvlink4");
  EXPECT_EQ(h100.price_date, "2026-05");
}

TEST(Profiles, ANodeCarriesItsDeviceAndNics) {
  const NodeSpec node = load_node("dgx-h200");
  EXPECT_EQ(node.device.name, "h200-sxm-141gb");
  EXPECT_EQ(node.devices, 8);
  EXPECT_EQ(node.nics, 8);
  EXPECT_DOUBLE_EQ(node.nic_bandwidth.value(), 50e9);
  EXPECT_DOUBLE_EQ(node.nic_technology.all_to_all_efficiency, 0.95);
}

TEST(Profiles, AnNvl72IsOneDomain) {
  const NodeSpec rack = load_node("gb200-nvl72");
  EXPECT_EQ(rack.devices, 72);
  EXPECT_EQ(rack.device.link_domain, 72);
}

TEST(Profiles, SiteIsInSiUnits) {
  const SiteSpec france = load_site("france");
  EXPECT_DOUBLE_EQ(france.carbon_kg_per_joule, 0.056 / 3.6e6);
  EXPECT_DOUBLE_EQ(france.pue, 1.54);
}

TEST(Profiles, FactsKeepTheTextAsWritten) {
  const std::vector<Fact> facts = load_device("h100-sxm-80gb").facts;
  const auto rent = std::find_if(facts.begin(), facts.end(), [](const Fact& fact) {
    return fact.path == "devices/h100-sxm-80gb: rent";
  });
  ASSERT_NE(rent, facts.end());
  EXPECT_EQ(rent->text, "2.95 USD/h (2026-05)");
  EXPECT_EQ(rent->confidence, "indicative");
  EXPECT_FALSE(rent->source.empty());
}

TEST(Profiles, EveryNumberOfEveryShippedFileIsAFact) {
  for (const char* kind : kKinds) {
    for (const std::string& name : profile_names(kind)) {
      const std::string path = data_folder("hardware/profiles") + "/" + kind + "/" + name + ".yaml";
      const std::string text = read_file(path);
      std::size_t values = 0;
      for (std::size_t at = text.find("{value:"); at != std::string::npos;
           at = text.find("{value:", at + 1)) {
        ++values;
      }
      const std::string own = std::string(kind) + "/" + name + ": ";
      std::size_t facts = 0;
      for (const Fact& fact : load_hardware_card(path).facts) facts += fact.path.starts_with(own);
      EXPECT_EQ(facts, values) << path;
    }
  }
}

TEST(Profiles, AFamilyTakesWhatItDoesNotSayFromTheGenericOne) {
  const KernelFamily volta = load_family("volta"), generic = load_family("generic");
  EXPECT_EQ(volta.attention_ramp_head_dim, generic.attention_ramp_head_dim);
  EXPECT_EQ(volta.expert_tile_rows, generic.expert_tile_rows);
  EXPECT_GT(volta.lowest_clock, 0);
  const auto is_there = [](const KernelFamily& family, const std::string& path) {
    return std::any_of(family.facts.begin(), family.facts.end(),
                       [&](const Fact& fact) { return fact.path == path; });
  };
  EXPECT_TRUE(is_there(volta, "families/generic: attention_ramp_head_dim"));
  const KernelFamily hopper = load_family("hopper");
  EXPECT_TRUE(is_there(hopper, "families/hopper: widened_expert_efficiency"));
  EXPECT_FALSE(is_there(hopper, "families/generic: widened_expert_efficiency"));
}

bool has_fact(const KernelFamily& family, const std::string& path) {
  return std::any_of(family.facts.begin(), family.facts.end(),
                     [&](const Fact& fact) { return fact.path == path; });
}

TEST(Profiles, AFamilyTakesTheLaunchCostOfItsBackEnd) {
  const KernelFamily apple = load_family("apple"), hopper = load_family("hopper");
  EXPECT_EQ(apple.backend, "metal");
  EXPECT_TRUE(has_fact(apple, "backends/metal: launch"));
  EXPECT_EQ(hopper.backend, "cuda");
  EXPECT_DOUBLE_EQ(hopper.launch.value(), 2.6e-6);  // It states its own.
  EXPECT_TRUE(has_fact(hopper, "families/hopper: launch"));
  EXPECT_FALSE(has_fact(hopper, "backends/cuda: launch"));
  EXPECT_EQ(load_family("tpu").backend, "");
}

TEST(Profiles, AnotherBackEndReplacesTheLaunchCost) {
  KernelFamily family = load_family("rdna3.5");
  const Seconds rocm = family.launch;
  use_backend(family, "vulkan", {});
  EXPECT_LT(family.launch, rocm);
  EXPECT_TRUE(has_fact(family, "backends/vulkan: launch"));
  EXPECT_FALSE(has_fact(family, "backends/rocm: launch"));
  EXPECT_THROW(use_backend(family, "glide", {}), InputError);
}

TEST(Profiles, FactsOfAFamilyAreThoseThatItsKernelsUse) {
  const DeviceSpec h100 = load_device("h100-sxm-80gb");
  const auto keys = [&](std::optional<Dtype> experts, bool power_limited = false) {
    std::set<std::string> found;
    for (const Fact& fact : h100.family_facts(experts, power_limited)) {
      found.insert(fact.path.substr(fact.path.rfind(": ") + 2));
    }
    return found;
  };
  EXPECT_TRUE(keys(Dtype::kBf16).contains("expert_rows_lost"));
  EXPECT_FALSE(keys(Dtype::kBf16).contains("widened_rows_lost"));
  EXPECT_FALSE(keys(Dtype::kFp4).contains("expert_rows_lost"));
  EXPECT_TRUE(keys(Dtype::kFp4).contains("widened_rows_lost"));
  EXPECT_TRUE(keys(Dtype::kFp4).contains("expert_compute_efficiency"));
  EXPECT_FALSE(keys(std::nullopt).contains("expert_compute_efficiency"));
  EXPECT_TRUE(keys(std::nullopt).contains("launch"));
  EXPECT_FALSE(keys(std::nullopt).contains("lowest_clock"));
  EXPECT_TRUE(keys(std::nullopt, true).contains("lowest_clock"));
}

TEST(Profiles, WidenedExpertsAreDrawn) {
  std::set<double> rates;
  for (std::int64_t sample = 1; sample <= 10; ++sample) {
    rates.insert(load_family("hopper", {5, sample, 10}).widened_expert_efficiency);
  }
  EXPECT_EQ(rates.size(), 10u);
  EXPECT_GE(*rates.begin(), 0.4);
  EXPECT_LE(*rates.rbegin(), 0.7);
}

TEST(Peak, FormatsThatADeviceLacksAreWidened) {
  DeviceSpec device;
  device.peak = {{Dtype::kFp32, FlopsPerSecond(1)}, {Dtype::kBf16, FlopsPerSecond(8)}};
  EXPECT_EQ(device.compute_dtype(Dtype::kFp4), Dtype::kBf16);
  EXPECT_EQ(device.peak_of(Dtype::kFp16), FlopsPerSecond(8));
  device.peak[Dtype::kFp8] = FlopsPerSecond(16);
  EXPECT_EQ(device.compute_dtype(Dtype::kFp4), Dtype::kBf16);
  EXPECT_EQ(device.compute_dtype(Dtype::kInt4), Dtype::kBf16);
  EXPECT_EQ(device.peak_of(Dtype::kFp32), FlopsPerSecond(1));
}

TEST(Peak, NarrowFormatsAreNeverSlower) {
  for (const std::string& name : profile_names("devices")) {
    const DeviceSpec device = load_device(name);
    EXPECT_GE(device.peak_of(Dtype::kFp8), device.peak_of(Dtype::kBf16)) << name;
    EXPECT_GE(device.peak_of(Dtype::kFp4), device.peak_of(Dtype::kBf16)) << name;
    EXPECT_GT(device.peak_of(Dtype::kFp32), FlopsPerSecond(0)) << name;
  }
}

TEST(Cluster, NeedsNicsAndAFabricForSeveralNodes) {
  ClusterSpec cluster{load_node("dgx-h100"), 2, load_fabric("none")};
  EXPECT_THROW(check_cluster(cluster), std::invalid_argument);
  cluster.fabric = load_fabric("fat-tree");
  EXPECT_NO_THROW(check_cluster(cluster));
  cluster.node = bare_node(load_device("h100-sxm-80gb"), 8);
  EXPECT_THROW(check_cluster(cluster), std::invalid_argument);
  cluster.nodes = 1;
  EXPECT_NO_THROW(check_cluster(cluster));
}

TEST(HardwareCard, ShowsEachNumberWithItsSource) {
  const std::string text = hardware_card_text(load_hardware_card("h100-sxm-80gb"));
  EXPECT_TRUE(text.starts_with("NVIDIA H100 SXM 80 GB (devices/h100-sxm-80gb)\n")) << text;
  EXPECT_NE(text.find("num_sms"), std::string::npos);
  EXPECT_NE(text.find("families/hopper"), std::string::npos);
  EXPECT_NE(text.find("links/nvlink4"), std::string::npos);
}

// Slugs of the shared slug table and the rows of the shared hardware table they stand for.
const std::map<std::string, std::string> kRows = {
    {"h100-sxm-80gb", "H100-SXM5-80GB"},
    {"h200-sxm-141gb", "H200-SXM-141GB"},
    {"h800-sxm-80gb", "H800-SXM-80GB"},
    {"h20-96gb", "H20-96GB"},
    {"h100-pcie-80gb", "H100-PCIe-80GB"},
    {"h100-nvl-94gb", "H100-NVL-94GB"},
    {"a100-sxm-80gb", "A100-SXM4-80GB"},
    {"a100-sxm-40gb", "A100-SXM4-40GB"},
    {"a100-pcie-80gb", "A100-PCIe-80GB"},
    {"b200-sxm-180gb", "B200-SXM-180GB"},
    {"b300-sxm-288gb", "B300-SXM-288GB"},
    {"gb200", "GB200 (per GPU)"},
    {"gb300", "GB300 (per GPU)"},
    {"l40s-48gb", "L40S"},
    {"l4-24gb", "L4"},
    {"a10-24gb", "A10"},
    {"v100-sxm-32gb", "V100-SXM2-32GB"},
    {"rtx-4090-24gb", "RTX 4090"},
    {"rtx-5090-32gb", "RTX 5090"},
    {"mi250x", "MI250X"},
    {"mi300x", "MI300X"},
    {"mi325x", "MI325X"},
    {"mi355x", "MI355X"},
    {"gaudi-2", "Gaudi 2"},
    {"gaudi-3", "Gaudi 3"},
    {"tpu-v4", "TPU v4"},
    {"tpu-v5e", "TPU v5e"},
    {"tpu-v5p", "TPU v5p"},
    {"tpu-v6e", "TPU v6e (Trillium)"},
    {"trainium2", "Trainium2"},
    {"apple-m3-ultra", "Apple M3 Ultra (80-core GPU)"},
    {"apple-m4-max", "Apple M4 Max (40-core GPU)"}};

// The figures of one row; empty cells are not checked.
struct Row {
  std::string bf16, fp8, fp4, bandwidth, link, domain, tdp, idle;
};

std::map<std::string, Row> shared_rows(const std::string& path) {
  using Reader = io::CSVReader<10, io::trim_chars<' '>, io::double_quote_escape<',', '"'>>;
  Reader reader(path);
  reader.read_header(io::ignore_extra_column, "kind", "name", "bf16_tflops", "fp8_tflops",
                     "fp4_tflops", "mem_bw_GBps", "scaleup_GBps_per_dir_per_dev",
                     "scaleup_domain_size", "tdp_W", "idle_W");
  std::map<std::string, Row> rows;
  std::string kind, name;
  Row row;
  while (reader.read_row(kind, name, row.bf16, row.fp8, row.fp4, row.bandwidth, row.link,
                         row.domain, row.tdp, row.idle)) {
    if (kind == "accelerator") rows[name] = row;
  }
  return rows;
}

void expect_cell(const std::string& cell, double value, const std::string& what) {
  if (cell.empty()) return;
  EXPECT_NEAR(value, std::stod(cell), 1e-9 * std::stod(cell)) << what;
}

TEST(Profiles, AgreeWithTheSharedHardwareTable) {
  const std::string path = "../shared/facts/hardware.csv";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const std::map<std::string, Row> rows = shared_rows(path);
  for (const auto& [slug, name] : kRows) {
    ASSERT_TRUE(rows.contains(name)) << name;
    const Row& row = rows.at(name);
    const DeviceSpec device = load_device(slug);
    if (device.peak.contains(Dtype::kBf16)) {
      expect_cell(row.bf16, device.peak_of(Dtype::kBf16).value() / 1e12, slug + " bf16");
    }
    expect_cell(row.fp8, device.peak_of(Dtype::kFp8).value() / 1e12, slug + " fp8");
    expect_cell(row.fp4, device.peak_of(Dtype::kFp4).value() / 1e12, slug + " fp4");
    expect_cell(row.bandwidth, device.memory_bandwidth.value() / 1e9, slug + " bandwidth");
    expect_cell(row.link, device.link_bandwidth.value() / 1e9, slug + " link");
    expect_cell(row.domain, static_cast<double>(device.link_domain), slug + " domain");
    expect_cell(row.tdp, device.tdp.value(), slug + " tdp");
    expect_cell(row.idle, device.idle.value(), slug + " idle");
  }
}

}  // namespace
}  // namespace moesim
