// Real gates from checkpoints: which tensors they are, and that nothing else is touched.
#include <gtest/gtest.h>

#include <limits>

#include "models/router/recorded/gate_names.h"
#include "models/router/recorded/gate_weights.h"
#include "tests/models/router/recorded/recorded_files.h"

namespace moesim {
namespace {

using made::bytes_of;
using made::refusal;
using made::routed_model;
using made::safetensors;
using made::Tensor;

// Weight w(e, h) = 100 layer + 10 e + h: what every element is, can be read off.
std::vector<float> weights(std::int64_t layer) {
  std::vector<float> all;
  for (int e = 0; e < 8; ++e) {
    for (int h = 0; h < 4; ++h) all.push_back(static_cast<float>(100 * layer + 10 * e + h));
  }
  return all;
}

std::vector<float> ramp(float start) {
  std::vector<float> all;
  for (int e = 0; e < 8; ++e) all.push_back(start + static_cast<float>(e));
  return all;
}

Tensor weight(std::int64_t layer, const std::string& ending = "mlp.gate.weight") {
  return {"model.layers." + std::to_string(layer) + "." + ending, "F32", "[8,4]",
          bytes_of(weights(layer))};
}

Tensor vector_tensor(std::int64_t layer, const std::string& ending, float start) {
  return {"model.layers." + std::to_string(layer) + "." + ending, "F32", "[8]",
          bytes_of(ramp(start))};
}

class RecordedGates : public made::Folder {
 protected:
  std::string checkpoint(const std::vector<Tensor>& tensors) const {
    return file("model.safetensors", safetensors(tensors));
  }
  static std::string refused(const std::string& path, const ModelSpec& model = routed_model()) {
    return refusal([&] { read_gate_weights(path, model); });
  }
};

void expect_gates(const std::vector<Gate>& gates) {
  ASSERT_EQ(gates.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(gates[i].hidden_size, 4);
    EXPECT_EQ(gates[i].weight, weights(static_cast<std::int64_t>(i) + 1));
    EXPECT_EQ(gates[i].view().weight.rows, 8);
  }
}

TEST_F(RecordedGates, EveryFamilyHasItsName) {
  for (const std::string ending :
       {"mlp.gate.weight", "block_sparse_moe.gate.weight", "mlp.router.weight",
        "feed_forward.router.weight", "mlp.router.classifier.weight", "mlp.gate.wg.weight",
        "block_sparse_moe.router.layer.weight", "ffn.router.layer.weight", "mixer.gate.weight",
        "ffn.gate.weight", "feed_forward.gate.weight"}) {
    const std::vector<Gate> gates = read_gate_weights(
        checkpoint({weight(3, ending), weight(1, ending), weight(2, ending)}), routed_model());
    expect_gates(gates);
    EXPECT_TRUE(gates[0].bias.empty());
    EXPECT_TRUE(gates[0].correction.empty());
  }
}

TEST(GateNames, OnlyLayersOfTheModelCount) {
  ASSERT_TRUE(gate_tensor("model.language_model.layers.12.mlp.gate.weight"));
  EXPECT_EQ(gate_tensor("model.language_model.layers.12.mlp.gate.weight")->layer, 12);
  EXPECT_EQ(gate_tensor("layers.0.ffn.gate.bias")->part, GatePart::kCorrection);
  EXPECT_EQ(gate_tensor("transformer.blocks.7.ffn.router.layer.weight")->layer, 7);
  EXPECT_EQ(gate_tensor("model.layers.3.mlp.router.bias")->part, GatePart::kBias);
  for (const char* name :
       {"mtp.layers.0.mlp.gate.weight", "model.layers.1.mlp.gate_proj.weight",
        "model.layers.1.mlp.shared_expert_gate.weight", "model.layers.x.mlp.gate.weight",
        "model.layers.-1.mlp.gate.weight", "model.layers.99999999999999999999.mlp.gate.weight",
        "model.layers.1mlp.gate.weight", "model.layers.", "sublayers.1.mlp.gate.weight", "", "."}) {
    EXPECT_FALSE(gate_tensor(name)) << name;
  }
}

TEST_F(RecordedGates, BiasesAreReadWhereTheRouterHasThem) {
  ModelSpec model = routed_model();
  for (std::size_t l = 1; l < 4; ++l) model.layers[l].moe->router.gate_bias = true;
  std::vector<Tensor> tensors;
  for (std::int64_t l = 1; l < 4; ++l) {
    tensors.push_back(weight(l, "mlp.router.weight"));
    tensors.push_back(vector_tensor(l, "mlp.router.bias", 0.5F));
  }
  EXPECT_EQ(read_gate_weights(checkpoint(tensors), model)[2].bias, ramp(0.5F));
  EXPECT_TRUE(read_gate_weights(checkpoint(tensors), routed_model())[2].bias.empty());

  model = routed_model();
  for (std::size_t l = 1; l < 4; ++l) model.layers[l].moe->router.correction_bias = true;
  for (const std::string ending :
       {"mlp.gate.e_score_correction_bias", "block_sparse_moe.e_score_correction_bias",
        "mlp.moe_statics.e_score_correction_bias", "mlp.router.e_score_correction_bias"}) {
    tensors.clear();
    for (std::int64_t l = 1; l < 4; ++l) {
      tensors.push_back(weight(l));
      tensors.push_back(vector_tensor(l, ending, 2));
    }
    tensors[1].shape = "[1,8]";  // As ERNIE keeps it.
    const std::vector<Gate> gates = read_gate_weights(checkpoint(tensors), model);
    EXPECT_EQ(gates[0].correction, ramp(2)) << ending;
    EXPECT_TRUE(gates[0].bias.empty());
  }
  tensors.pop_back();
  EXPECT_NE(refused(checkpoint(tensors), model).find("layer 3: no correction bias"),
            std::string::npos);
  model.layers[3].moe->router.rule = SelectionRule::kHash;  // Chooses by a table.
  EXPECT_TRUE(read_gate_weights(checkpoint(tensors), model)[2].correction.empty());
}

TEST_F(RecordedGates, ZeroExpertsHaveRowsToo) {
  ModelSpec model = routed_model();
  for (std::size_t l = 1; l < 4; ++l) {
    model.layers[l].moe->num_experts = 6;
    model.layers[l].moe->router.num_zero_experts = 2;
  }
  expect_gates(read_gate_weights(checkpoint({weight(1), weight(2), weight(3)}), model));
}

TEST_F(RecordedGates, ShardsAreFoundThroughTheirIndex) {
  file("one.safetensors", safetensors({weight(1), weight(3)}));
  file("two.safetensors", safetensors({{"other", "F32", "[1]", "abcd"}, weight(2)}));
  // The index names files that hold no gate; they need not even be there.
  const std::string index =
      file("model.safetensors.index.json",
           R"({"metadata": {"total_size": 1, "more": [{"a": "b"}]}, "weight_map": {
        "model.layers.1.mlp.gate.weight": "one.safetensors",
        "model.layers.1.mlp.experts.0.up_proj.weight": "three.safetensors",
        "model.layers.2.mlp.gate.weight": "two.safetensors",
        "model.layers.3.mlp.gate.weight": "one.safetensors"}})");
  expect_gates(read_gate_weights(index, routed_model()));
  expect_gates(read_gate_weights(path(""), routed_model()));
}

TEST_F(RecordedGates, AFolderWithoutAnIndexIsReadWhole) {
  file("b.safetensors", safetensors({weight(1), weight(3)}));
  file("a.safetensors", safetensors({weight(2)}));
  file("config.json", "{}");
  expect_gates(read_gate_weights(path(""), routed_model()));
  file("c.safetensors", safetensors({weight(2)}));
  EXPECT_NE(refused(path("")).find("layer 2, \"model.layers.2.mlp.gate.weight\": another tensor"),
            std::string::npos);
}

TEST_F(RecordedGates, NothingButTheGatesIsRead) {
  // A terabyte of other weights, of which a sparse file holds none.
  constexpr std::uint64_t kOther = std::uint64_t{1} << 40;
  const std::string gates = bytes_of(weights(1)) + bytes_of(weights(2)) + bytes_of(weights(3));
  std::string header = R"({"x":{"dtype":"U8","shape":[1099511627776],"data_offsets":[384,)" +
                       std::to_string(kOther + 384) + "]}";
  for (int l = 1; l < 4; ++l) {
    header += ",\"model.layers." + std::to_string(l) +
              R"(.mlp.gate.weight":{"dtype":"F32","shape":[8,4],"data_offsets":[)" +
              std::to_string((l - 1) * 128) + "," + std::to_string(l * 128) + "]}";
  }
  const std::string bytes = safetensors(header + "}", gates);
  const std::string path = file("big.safetensors", bytes);
  std::error_code error;
  std::filesystem::resize_file(path, bytes.size() + kOther, error);
  if (error) GTEST_SKIP() << "no sparse files of a terabyte here";
  expect_gates(read_gate_weights(path, routed_model()));
}

TEST_F(RecordedGates, MatricesMayLieTheOtherWayRound) {
  Tensor turned = weight(2);
  turned.shape = "[4,8]";
  std::vector<float> values;
  for (std::size_t h = 0; h < 4; ++h) {
    for (std::size_t e = 0; e < 8; ++e) values.push_back(weights(2)[e * 4 + h]);
  }
  turned.data = bytes_of(values);
  expect_gates(read_gate_weights(checkpoint({weight(1), turned, weight(3)}), routed_model()));
}

TEST_F(RecordedGates, AllFaultsAreListedAtOnce) {
  Tensor narrow = weight(2);
  narrow.shape = "[16,2]";
  Tensor infinite = weight(3);
  infinite.data.replace(20, 4, bytes_of(std::numeric_limits<float>::infinity()));
  const std::string text = refused(checkpoint({narrow, infinite}));
  EXPECT_NE(text.find("layer 1: no gate: one as \"model.layers.2.mlp.gate.weight\""),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("[16, 2]: [8, 4] for routed"), std::string::npos) << text;
  EXPECT_NE(text.find("layer 3, \"model.layers.3.mlp.gate.weight\": inf as element 5"),
            std::string::npos)
      << text;
  EXPECT_EQ(made::count_lines(text), 3U);
}

TEST_F(RecordedGates, TypesThatAreNotNumbersAloneAreRefused) {
  std::vector<Tensor> tensors = {weight(1), weight(2), weight(3)};
  tensors[1].data = bytes_of(std::numeric_limits<float>::quiet_NaN()) + tensors[1].data.substr(4);
  EXPECT_NE(refused(checkpoint(tensors)).find("nan as element 0"), std::string::npos);
  tensors[1].dtype = "F8_E4M3";
  tensors[1].data = std::string(32, '\0');
  EXPECT_NE(refused(checkpoint(tensors)).find("type \"F8_E4M3\": F64, F32, F16 or BF16"),
            std::string::npos);
}

TEST_F(RecordedGates, CheckpointsWithoutGatesSayWhatIsLookedFor) {
  const std::string text = refused(checkpoint({{"other", "F32", "[1]", "abcd"}}));
  EXPECT_NE(text.find("layer 1: no gate: model.layers.1.mlp.gate.weight, block_sparse_moe.gate"),
            std::string::npos)
      << text;
  ModelSpec dense = routed_model();
  for (LayerSpec& layer : dense.layers) layer.moe.reset();
  EXPECT_NE(refused(checkpoint({weight(1)}), dense).find("no experts"), std::string::npos);
  std::filesystem::remove(path("model.safetensors"));
  EXPECT_NE(refused(path("")).find("a folder without them: .safetensors"), std::string::npos);
  EXPECT_NE(refused(path("missing.safetensors")).find("No such file"), std::string::npos);
}

TEST_F(RecordedGates, DamagedIndicesAreRefused) {
  const auto index = [&](const std::string& text) { return refused(file("i.json", text)); };
  const auto map = [&](const std::string& shard) {
    return index(R"({"weight_map": {"model.layers.1.mlp.gate.weight": )" + shard + "}}");
  };
  for (const std::string shard : {R"("../a.safetensors")", R"("/etc/passwd")", R"("a.bin")",
                                  R"("a\u0000.safetensors")", R"("..\\a.safetensors")"}) {
    EXPECT_NE(map(shard).find("a .safetensors file in the same folder"), std::string::npos)
        << shard;
  }
  for (const std::string shard : {"1", "null", "[]", "{}", R"(["a.safetensors"])"}) {
    EXPECT_NE(map(shard).find("a weight_map that is not texts"), std::string::npos) << shard;
  }
  EXPECT_NE(map(R"("gone.safetensors")").find("gone.safetensors: cannot be opened"),
            std::string::npos);
  file("other.safetensors", safetensors({weight(2)}));
  EXPECT_NE(map(R"("other.safetensors")").find("a tensor that the index names"), std::string::npos);
  for (const std::string text : {"{}", "[]", "x", R"({"weight_map": 1})", R"({"weight_map": {})"}) {
    EXPECT_NE(index(text).find("i.json"), std::string::npos) << text;
  }
  EXPECT_NE(index(std::string(100'000, '[')).find("nested deeper than 16"), std::string::npos);
}

}  // namespace
}  // namespace moesim
