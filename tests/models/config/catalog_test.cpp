#include "models/config/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/input_error.h"
#include "models/spec/kv_bytes.h"
#include "models/spec/model_formats.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

const std::string kFacts = "../shared/facts/models.csv";
const std::string kConfigs = "../shared/data/configs/";

double billions(std::int64_t count) {
  return static_cast<double>(count) / 1e9;
}

nlohmann::json catalog_file(const std::string& name) {
  return nlohmann::json::parse(read_file(data_folder("models/catalog") + "/" + name + ".json"));
}

TEST(Catalog, ShipsAtLeastFortyModels) {
  EXPECT_GE(catalog_names().size(), 40u);
}

TEST(Catalog, NamesAreSlugsInOrder) {
  const auto names = catalog_names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const std::string& name : names) {
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-"), std::string::npos);
  }
}

// Models whose computed total may differ by more than 1 % from the published one, and by how much.
// The catalog file says why (published_note).
const std::map<std::string, double> kKnownDeviations = {
    {"kimi-k2", 1.4},            // "1.04 T" against 1026 B from the report's own shapes.
    {"llama-4-scout", 1.2},      // "109 B" includes the vision encoder.
    {"ernie-4.5-21b-a3b", 4.0},  // "21 B" is the rounded name.
};

TEST(Catalog, TotalsMatchEveryPublishedTotalWithinOnePercent) {
  for (const std::string& name : catalog_names()) {
    const nlohmann::json file = catalog_file(name);
    const double published = file.at("published_total_billion").get<double>();
    const double computed = billions(count_parameters(load_model(name)).total);
    const double deviation = 100 * std::abs(computed / published - 1);
    const auto known = kKnownDeviations.find(name);
    EXPECT_LE(deviation, known == kKnownDeviations.end() ? 1.0 : known->second) << name;
  }
}

TEST(Catalog, EveryKnownDeviationIsRealAndExplainedInItsFile) {
  for (const auto& [name, limit] : kKnownDeviations) {
    const nlohmann::json file = catalog_file(name);
    const double published = file.at("published_total_billion").get<double>();
    EXPECT_GT(std::abs(billions(count_parameters(load_model(name)).total) / published - 1), 0.01);
    EXPECT_FALSE(file.at("published_note").get<std::string>().empty()) << name;
  }
}

// Models whose published active count is further than 5 % from all three conventions.
const std::map<std::string, std::string> kRoundedActive = {
    {"qwen3-next-80b-a3b", "A3B is rounded down"},
    {"grok-1", "25 % of the weights, as the announcement says"},
};

TEST(Catalog, PublishedActiveIsOneOfTheThreeConventions) {
  for (const std::string& name : catalog_names()) {
    const nlohmann::json published = catalog_file(name).at("published_active_billion");
    if (published.is_null() || kRoundedActive.contains(name)) continue;
    const ParameterCounts counts = count_parameters(load_model(name));
    double nearest = 1;
    for (const std::int64_t count :
         {counts.active, counts.active_no_embedding, counts.active_no_vocabulary}) {
      nearest = std::min(nearest, std::abs(billions(count) / published.get<double>() - 1));
    }
    EXPECT_LE(nearest, 0.05) << name;
  }
}

TEST(Catalog, EveryModelSaysItsSource) {
  for (const std::string& name : catalog_names()) {
    EXPECT_GT(load_model(name).source.size(), 10u) << name;
  }
}

TEST(Catalog, UnknownNameSuggestsTheNearest) {
  try {
    load_model("mixtral-8x7");
    FAIL() << "must throw";
  } catch (const InputError& error) {
    ASSERT_EQ(error.faults().size(), 1u);
    EXPECT_EQ(error.faults()[0].value, "mixtral-8x7");
    EXPECT_NE(error.faults()[0].allowed.find("did you mean mixtral-8x7b"), std::string::npos);
  }
}

TEST(Catalog, MissingPathIsNamed) {
  try {
    load_model("no/such/config.json");
    FAIL() << "must throw";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "no/such/config.json: no such file");
  }
}

// ---- Against the table of facts --------------------------------------------------------------

std::vector<std::string> csv_cells(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

using Row = std::map<std::string, std::string>;

std::vector<Row> read_facts() {
  std::istringstream in(read_file(kFacts));
  std::string line;
  std::getline(in, line);
  const auto header = csv_cells(line);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    const auto cells = csv_cells(line);
    Row row;
    for (std::size_t i = 0; i < header.size() && i < cells.size(); ++i) row[header[i]] = cells[i];
    rows.push_back(row);
  }
  return rows;
}

// Names in the table of facts that are no slug once lowered and dashed.
const std::map<std::string, std::string> kSlugs = {
    {"GPT-3 175B", "gpt-3-175b"},
    {"DeepSeek-V3 / R1", "deepseek-v3"},
    {"DeepSeekMoE-16B", "deepseek-moe-16b"},
    {"MiniMax-M2 / M2.5", "minimax-m2.5"},
    {"Snowflake Arctic", "snowflake-arctic"},
};

// Rows that ModelSpec cannot or need not represent.
const std::map<std::string, std::string> kNotShipped = {
    {"Kimi-K3", "KDA layers, layout unverified"},
    {"Switch-C", "encoder-decoder"},
    {"GShard-600B", "encoder-decoder"},
    {"GLaM 64B/64E (1.2T)", "no Hugging Face architecture"},
    {"DeepSeek-V4-Flash", "compressed sparse attention"},
    {"DeepSeek-V4-Pro", "compressed sparse attention"},
};

std::string slug_of(const std::string& name) {
  const auto special = kSlugs.find(name);
  if (special != kSlugs.end()) return special->second;
  std::string slug;
  for (const char c : name) slug += c == ' ' ? '-' : static_cast<char>(std::tolower(c));
  return slug;
}

class Facts : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kFacts)) GTEST_SKIP() << "no " << kFacts;
  }

  // Calls check(row, model) for every row that the catalog ships; returns how many these were.
  template <class Check>
  int for_each_shipped(Check check) {
    int count = 0;
    for (const Row& row : read_facts()) {
      if (kNotShipped.contains(row.at("name"))) continue;
      SCOPED_TRACE(row.at("name"));
      check(row, load_model(slug_of(row.at("name"))));
      ++count;
    }
    return count;
  }
};

TEST_F(Facts, ComputedParametersAgreeToTheMillion) {
  const int checked = for_each_shipped([](const Row& row, const ModelSpec& model) {
    const ParameterCounts counts = count_parameters(model);
    const auto fact = [&](const char* column) { return std::stod(row.at(column)); };
    EXPECT_NEAR(billions(counts.total), fact("computed_total_B"), 0.002);
    EXPECT_NEAR(billions(counts.active), fact("computed_active_incl_embed_B"), 0.002);
    EXPECT_NEAR(billions(counts.active_no_embedding), fact("computed_active_excl_input_embed_B"),
                0.002);
    EXPECT_NEAR(billions(counts.active_no_vocabulary),
                fact("computed_active_excl_embed_and_head_B"), 0.002);
  });
  EXPECT_EQ(checked, 45);
}

TEST_F(Facts, KvBytesPerTokenAgreeExactly) {
  for_each_shipped([](const Row& row, const ModelSpec& model) {
    EXPECT_EQ(kv_bytes_per_token(model, Dtype::kBf16).value(),
              std::stod(row.at("kv_bytes_per_token_bf16")));
  });
}

TEST_F(Facts, ExpertShapesAgree) {
  for_each_shipped([](const Row& row, const ModelSpec& model) {
    ASSERT_EQ(model.is_moe(), row.at("dense_or_moe") == "moe");
    EXPECT_EQ(model.hidden_size, std::stoll(row.at("hidden_size")));
    if (!model.is_moe()) return;
    EXPECT_EQ(model.moe().num_experts, std::stoll(row.at("n_routed_experts")));
    EXPECT_EQ(model.moe().top_k, std::stoll(row.at("num_experts_per_tok")));
    EXPECT_EQ(model.num_moe_layers(), std::stoll(row.at("moe_layers")));
  });
}

// ---- Against published config files ------------------------------------------------------------

const std::map<std::string, std::string> kTwins = {
    {"Qwen--Qwen3-30B-A3B", "qwen3-30b-a3b"},
    {"Qwen--Qwen3-32B-FP8", "qwen3-32b"},
    {"deepseek-ai--DeepSeek-V3", "deepseek-v3"},
    {"meta-llama--Llama-4-Scout-17B-16E-Instruct", "llama-4-scout"},
    {"meta-llama--Meta-Llama-3.1-70B", "llama-3.1-70b"},
    {"mistralai--Mixtral-8x7B-v0.1", "mixtral-8x7b"},
    {"moonshotai--Kimi-K2-Instruct", "kimi-k2"},
    {"openai--gpt-oss-120b", "gpt-oss-120b"},
};

TEST(PublishedConfigs, ReadTheSameAsTheirCatalogTwins) {
  if (!std::filesystem::exists(kConfigs)) GTEST_SKIP() << "no " << kConfigs;
  for (const auto& [file, slug] : kTwins) {
    const ModelSpec published = load_model(kConfigs + file + ".json");
    const ModelSpec shipped = load_model(slug);
    const bool fp8 = file == "Qwen--Qwen3-32B-FP8";
    EXPECT_EQ(published.layers == shipped.layers, !fp8) << slug;
    EXPECT_EQ(count_parameters(published).total, count_parameters(shipped).total) << slug;
    EXPECT_EQ(published.max_positions, shipped.max_positions) << slug;
    EXPECT_EQ(main_format(published).dtype, fp8 ? Dtype::kFp8 : main_format(shipped).dtype);
  }
}

// A folder as publishers have it: config.json, and hf_quant_config.json beside it.
TEST(Folders, HoldTheConfigAndItsFormats) {
  const std::string text = read_file(data_folder("models/catalog") + "/qwen3-30b-a3b.json");
  const TemporaryFile config("Mine-30B-FP8/config.json", text);
  const std::filesystem::path folder = std::filesystem::path(config.path()).parent_path();
  const ModelSpec bare = load_model(folder.string());
  EXPECT_EQ(bare.name, "Mine-30B-FP8");
  EXPECT_EQ(bare.format_notes.size(), 1u);
  std::ofstream(folder / "hf_quant_config.json")
      << R"({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}})";
  for (const auto& path : {folder, folder / "config.json"}) {
    const ModelSpec model = load_model(path.string());
    EXPECT_EQ(main_format(model).dtype, Dtype::kFp8);
    EXPECT_TRUE(model.format_notes.empty());
  }
}

}  // namespace
}  // namespace moesim
