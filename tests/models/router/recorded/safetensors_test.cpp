// Safetensors: a format in which every number may lie.
#include "models/router/recorded/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/router/recorded/recorded_files.h"

namespace moesim {
namespace {

using made::bytes_of;
using made::refusal;
using made::safetensors;

class Safetensors : public made::Folder {
 protected:
  // Why a file of these bytes is refused; empty if it is not.
  std::string refused(const std::string& bytes) const {
    const std::string path = file("a.safetensors", bytes);
    return refusal([&] { SafetensorsFile{path}; });
  }
  // The same for the one tensor "w" with 16 bytes of data.
  std::string refused_tensor(const std::string& fields) const {
    return refused(safetensors(R"({"w":{)" + fields + "}}", std::string(16, '\0')));
  }
};

TEST_F(Safetensors, FloatsOfEveryWidthComeBack) {
  const std::string path = file(
      "a.safetensors",
      safetensors({{"d", "F64", "[2]", bytes_of(std::vector<double>{1.5, -2.25})},
                   {"s", "F32", "[2,1]", bytes_of(std::vector<float>{1.5F, -2.25F})},
                   {"h", "F16", "[1,2]", bytes_of(std::vector<std::uint16_t>{0x3E00, 0xC080})},
                   {"b", "BF16", "[2]", bytes_of(std::vector<std::uint16_t>{0x3FC0, 0xC010})}}));
  const SafetensorsFile file(path);
  ASSERT_EQ(file.tensors().size(), 4U);
  for (const TensorInfo& tensor : file.tensors()) {
    EXPECT_TRUE(SafetensorsFile::is_float(tensor));
    EXPECT_EQ(file.read_floats(tensor), (std::vector<float>{1.5F, -2.25F})) << tensor.dtype;
  }
  EXPECT_EQ(file.find("s")->shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(file.find("x"), nullptr);
}

TEST_F(Safetensors, HalfPrecisionIsThatOfIeee754) {
  EXPECT_EQ(fp16_to_float(0x0000), 0.0F);
  EXPECT_TRUE(std::signbit(fp16_to_float(0x8000)));
  EXPECT_EQ(fp16_to_float(0x0001), 0x1p-24F);  // Smallest subnormal.
  EXPECT_EQ(fp16_to_float(0x83FF), -1023 * 0x1p-24F);
  EXPECT_EQ(fp16_to_float(0x0400), 0x1p-14F);  // Smallest normal.
  EXPECT_EQ(fp16_to_float(0x3C00), 1.0F);
  EXPECT_EQ(fp16_to_float(0x3555), 0.333251953125F);
  EXPECT_EQ(fp16_to_float(0x7BFF), 65504.0F);
  EXPECT_TRUE(std::isinf(fp16_to_float(0xFC00)));
  EXPECT_TRUE(std::isnan(fp16_to_float(0x7E00)));
  EXPECT_EQ(bf16_to_float(0x3F80), 1.0F);
  EXPECT_TRUE(std::isinf(bf16_to_float(0x7F80)));
  EXPECT_TRUE(std::isnan(bf16_to_float(0xFFC0)));
}

TEST_F(Safetensors, OrderPaddingScalarsAndNewTypesAreFine) {
  EXPECT_EQ(refused(safetensors("{}   ", "")), "");
  EXPECT_EQ(refused(safetensors(R"({"__metadata__":{"a":"b"}})", "")), "");
  EXPECT_EQ(refused_tensor(R"("data_offsets":[0,16],"shape":[16],"dtype":"F8_E4M3")"), "");
  EXPECT_EQ(refused_tensor(R"("data_offsets":[0,16],"shape":[4,8],"dtype":"F4")"), "");
  EXPECT_EQ(refused_tensor(R"("data_offsets":[0,16],"shape":[3],"dtype":"SOME_NEW_TYPE")"), "");
  EXPECT_EQ(refused(safetensors(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]},)"
                                R"("z":{"dtype":"F32","shape":[0,9],"data_offsets":[4,4]},)"
                                R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                                std::string(8, '\0'))),
            "");
}

TEST_F(Safetensors, LengthsThatLieAreRefused) {
  const std::string whole = safetensors({{"w", "F32", "[4]", std::string(16, '\0')}});
  ASSERT_EQ(refused(whole), "");
  for (std::size_t size = 0; size < whole.size(); size += 3) {
    EXPECT_NE(refused(whole.substr(0, size)).find("a.safetensors"), std::string::npos) << size;
  }
  EXPECT_NE(refused(whole + "x").find("17 bytes of data: 16"), std::string::npos);
  for (const std::uint64_t length : {std::uint64_t{1} << 40, ~std::uint64_t{0},
                                     std::uint64_t{1} << 63, std::uint64_t{whole.size() - 7}}) {
    const std::string text = refused(bytes_of(length) + whole.substr(8));
    EXPECT_NE(text.find("a header of " + std::to_string(length)), std::string::npos) << text;
  }
}

TEST_F(Safetensors, HeadersAboveTheFormatsLimitAreRefused) {
  // 200 MB of header in a sparse file: refused without being read.
  const std::string path = file("a.safetensors", bytes_of(std::uint64_t{200'000'000}) + "{");
  std::filesystem::resize_file(path, 300'000'000);
  EXPECT_NE(refusal([&] { SafetensorsFile{path}; }).find("at most 100000000"), std::string::npos);
}

TEST_F(Safetensors, TensorsThatDoNotFitTheDataAreRefused) {
  EXPECT_EQ(refused_tensor(R"("dtype":"F32","shape":[4],"data_offsets":[0,16])"), "");
  for (const std::string offsets : {"[0,17]", "[16,0]", "[0,9223372036854775807]",
                                    "[9223372036854775806,9223372036854775807]"}) {
    EXPECT_NE(refused_tensor(R"("dtype":"F32","shape":[4],"data_offsets":)" + offsets)
                  .find("a range inside the 16 bytes"),
              std::string::npos)
        << offsets;
  }
  for (const std::string shape : {"[3]", "[5]", "[]", "[4,0]", "[2,2,2]", "[4611686018427387904,4]",
                                  "[4294967296,4294967296]", "[9223372036854775807]"}) {
    EXPECT_NE(refused_tensor(R"("dtype":"F32","data_offsets":[0,16],"shape":)" + shape)
                  .find("bytes 0 to 16"),
              std::string::npos)
        << shape;
  }
}

TEST_F(Safetensors, OverlapsAndGapsAreRefused) {
  const auto two = [&](const std::string& a, const std::string& b) {
    return refused(safetensors(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":)" + a +
                                   R"(},"b":{"dtype":"U8","shape":[8],"data_offsets":)" + b + "}}",
                               std::string(16, '\0')));
  };
  EXPECT_EQ(two("[0,8]", "[8,16]"), "");
  EXPECT_EQ(two("[8,16]", "[0,8]"), "");
  EXPECT_NE(two("[0,8]", "[7,15]").find("begins at 7: 8"), std::string::npos);
  EXPECT_NE(two("[0,8]", "[0,8]").find("begins at 0: 8"), std::string::npos);
  EXPECT_NE(refused_tensor(R"("dtype":"U8","shape":[8],"data_offsets":[8,16])").find("begins at 8"),
            std::string::npos);
  EXPECT_NE(refused_tensor(R"("dtype":"U8","shape":[8],"data_offsets":[0,8])").find("16 bytes of"),
            std::string::npos);
}

TEST_F(Safetensors, HeadersOfAnotherFormAreRefused) {
  for (const std::string fields :
       {R"("dtype":"F32","shape":[4])",
        R"("dtype":"F32","data_offsets":[0,16])",
        "",
        R"("dtype":"F32","shape":[4],"data_offsets":[0])",
        R"("dtype":"F32","shape":[4],"data_offsets":[0,8,16])",
        R"("dtype":"F32","shape":[4],"data_offsets":[-1,16])",
        R"("dtype":"F32","shape":[-4],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":[4.0],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":[1e400],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":4,"data_offsets":[0,16])",
        R"("dtype":"F32","shape":[[4]],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":["4"],"data_offsets":[0,16])",
        R"("dtype":7,"shape":[4],"data_offsets":[0,16])",
        R"("dtype":["F32"],"shape":[4],"data_offsets":[0,16])",
        R"("dtype":null,"shape":[4],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":[4],"data_offsets":[0,16],"extra":1)",
        R"("dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16])",
        R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4],"data_offsets":[0,16])"}) {
    EXPECT_NE(refused_tensor(fields).find("a.safetensors"), std::string::npos) << fields;
  }
  for (const std::string header :
       {"", " {}", "[]", "null", "{", "{}{}", R"({"w":1})", R"({"w":[]})",
        R"({"__metadata__":{"a":{}}})", R"({"__metadata__":{"a":[1]}})", "{\"\xff\":{}}",
        "{\"a\":\"b\"}"}) {
    EXPECT_NE(refused(safetensors(header, "")).find("a.safetensors"), std::string::npos) << header;
  }
}

TEST_F(Safetensors, DeepJsonIsRefusedAtItsThirdLevel) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":)";
  EXPECT_NE(refused(safetensors(deep, "")).find("dtype, shape and data_offsets, once each"),
            std::string::npos);
  EXPECT_NE(refused(safetensors("{\"a\":" + std::string(100'000, '['), "")), "");
}

TEST_F(Safetensors, NamesAreThereOnce) {
  const std::string tensor = R"("w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_NE(refused(safetensors("{" + tensor + "," + tensor + "}", "")).find("\"w\": twice"),
            std::string::npos);
}

TEST_F(Safetensors, ForeignNamesCannotSpoilAMessage) {
  const std::string name = "\\u001b[31m" + std::string(5000, 'n');
  const std::string text = refused(
      safetensors("{\"" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,0]}})", ""));
  EXPECT_NE(text.find("tensor \"?[31mnn"), std::string::npos);
  EXPECT_LT(text.size(), 300U);
}

}  // namespace
}  // namespace moesim
