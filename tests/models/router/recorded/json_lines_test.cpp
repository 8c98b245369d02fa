// Recorded ids as lines of JSON: SGLang's base64 int32 per request.
#include "models/router/recorded/json_lines.h"

#include <gtest/gtest.h>

#include <optional>

#include "models/router/recorded/base64.h"
#include "tests/models/router/recorded/recorded_files.h"

namespace moesim {
namespace {

using made::base64;
using made::bytes_of;
using made::refusal;
using made::routed_model;

std::optional<std::string> decoded(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes) return std::nullopt;
  return std::string(bytes->begin(), bytes->end());
}

TEST(Base64, IsThatOfRfc4648) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("Zg=="), "f");
  EXPECT_EQ(decoded("Zm8="), "fo");
  EXPECT_EQ(decoded("Zm9v"), "foo");
  EXPECT_EQ(decoded("Zm9vYg=="), "foob");
  EXPECT_EQ(decoded("Zm9vYmE="), "fooba");
  EXPECT_EQ(decoded("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decoded("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64, AnythingElseIsRefused) {
  for (const char* text : {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm-_", "Zm 9",
                           "Zh==", "Zm9=", "Z=g="}) {
    EXPECT_EQ(decoded(text), std::nullopt) << text;
  }
}

TEST(Base64, EveryByteComesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(decoded(base64(all)), all);
}

class RecordedJsonLines : public made::Folder {
 protected:
  RoutingBank read(const std::string& text, std::int64_t sequence_tokens = 1) const {
    return read_json_lines(file("requests.jsonl", text), routed_model(), sequence_tokens);
  }
  std::string refused(const std::string& text) const {
    return refusal([&] { read(text); });
  }
};

// A request of `tokens` tokens whose first choice in every layer is `first`.
std::string ids(std::int32_t first, std::int64_t tokens) {
  std::vector<std::int32_t> all;
  for (std::int64_t i = 0; i < tokens * 3; ++i) all.insert(all.end(), {first, 7});
  return base64(bytes_of(all));
}

std::string request(std::int32_t first, std::int64_t tokens) {
  return R"({"meta_info": {"routed_experts": ")" + ids(first, tokens) + "\"}}\n";
}

TEST_F(RecordedJsonLines, EveryTokenLayerAndChoiceKeepsItsPlace) {
  const std::vector<std::int32_t> all = {0, 1, 2, 3, 4, 5, 6, 7, 7, 0, 5, -1};
  const RoutingBank bank = read(R"({"routed_experts": ")" + base64(bytes_of(all)) + "\"}", 2);
  EXPECT_EQ(bank.ids, (std::vector<std::uint16_t>{0, 1, 6, 7, 2, 3, 7, 0, 4, 5, 5, 0xFFFF}));
  EXPECT_EQ(bank.origin, RoutingOrigin::kRecorded);
  EXPECT_EQ(bank.provenance,
            "recorded ids of requests.jsonl (JSON lines, 1 request: 1 sequence of 2 tokens)");
}

TEST_F(RecordedJsonLines, EnginesPutTheIdsInSeveralPlaces) {
  const std::string value = R"({"routed_experts": ")" + ids(3, 1) + "\"}";
  for (const std::string& line :
       {value, R"({"text": "a", "meta_info": )" + value + "}", R"({"sglext": )" + value + "}",
        R"({"choices": [{"index": 0, "sgl_ext": )" + value + "}]}",
        R"({"choices": [{"meta_info": )" + value + R"(}], "usage": {"n": [1, [2, {}]]}})",
        R"({"nvext": )" + value + "}", "[" + value + "]"}) {
    const RoutingBank bank = read(line);
    EXPECT_EQ(bank.num_tokens(), 1) << line;
    EXPECT_EQ(bank.ids[0], 3) << line;
  }
}

TEST_F(RecordedJsonLines, ChoicesOfOneResponseAreRequestsOfTheirOwn) {
  const std::string line = R"({"choices": [{"sglext": {"routed_experts": ")" + ids(1, 3) +
                           R"("}}, {"sglext": {"routed_experts": ")" + ids(2, 3) + R"("}}]})";
  const RoutingBank bank = read(line, 2);
  ASSERT_EQ(bank.sequences, 2);
  EXPECT_EQ(bank.token(0, 1)[0], 1);
  EXPECT_EQ(bank.token(0, 2)[0], 2);
}

TEST_F(RecordedJsonLines, SequencesNeverCrossARequest) {
  const RoutingBank bank = read(request(1, 5) + "\n" + request(2, 3) + request(3, 4), 2);
  ASSERT_EQ(bank.sequences, 2 + 1 + 2);
  EXPECT_EQ(bank.sequence_tokens, 2);
  const std::vector<std::uint16_t> first = {1, 1, 1, 1, 2, 2, 3, 3, 3, 3};
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    for (std::int64_t t = 0; t < 10; ++t) {
      EXPECT_EQ(bank.token(layer, t)[0], first[static_cast<std::size_t>(t)]);
    }
  }
  EXPECT_EQ(bank.provenance,
            "recorded ids of requests.jsonl (JSON lines, 3 requests: 5 sequences of 2 tokens, 2 "
            "tokens left out)");
}

TEST_F(RecordedJsonLines, ShortRequestsMakeShortSequences) {
  const RoutingBank bank = read(request(1, 5) + request(2, 3), 32);
  EXPECT_EQ(bank.sequence_tokens, 5);
  EXPECT_EQ(bank.sequences, 1);
}

TEST_F(RecordedJsonLines, DenseLayersMayStandInAsFiller) {
  std::vector<std::int32_t> all;
  for (int t = 0; t < 3; ++t) all.insert(all.end(), {0, 0, 1, 2, 3, 4, 5, 6});
  // Three tokens of all four layers are as long as four of the three with experts; no token
  // chooses expert 0 twice, so that only one reading is possible.
  RoutingBank bank = read(R"({"routed_experts": ")" + base64(bytes_of(all)) + "\"}", 3);
  EXPECT_EQ(bank.num_tokens(), 3);
  EXPECT_EQ(bank.token(0, 2)[0], 1);
  bank = read(request(5, 4), 4);
  EXPECT_EQ(bank.num_tokens(), 4);
  // Two tokens of all layers have no other reading, and this is no filler.
  all.resize(16);
  all[8] = 3;
  const std::string text = refused(R"({"routed_experts": ")" + base64(bytes_of(all)) + "\"}");
  EXPECT_NE(text.find("64 bytes"), std::string::npos) << text;
}

TEST_F(RecordedJsonLines, FaultsAreNamedWithTheirLines) {
  const std::string text = refused(
      "{\"text\": \"no ids\"}\n" + request(1, 1) + "not json\n\n" + request(8, 1) + request(7, 1) +
      "{\"routed_experts\": 5}\n{\"routed_experts\": \"%%%%\"}\n{\"routed_experts\": [1, 2]}\n"
      "{\"routed_experts\": \"AAAA\"}\n{\"routed_experts\": \"\"}\n"
      "{\"routed_experts\": \"\", \"routed_experts\": \"\"}\n{\"routed_experts\": null}\n"
      "{\"usage\": {\"routed_experts\": \"AAAA\"}}\n");
  const auto says = [&](const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  };
  says(".jsonl:1: no routed_experts");
  says(".jsonl:3: not JSON from its byte");
  says(".jsonl:5: token 0, layer 2: expert 8: 0 to 7");
  says(".jsonl:6: token 0, layer 0: expert 7 twice");
  says(".jsonl:7: routed_experts that is no string");
  says(".jsonl:8: routed_experts: \"%%%%\": base64");
  says(".jsonl:9: routed_experts that is no string");
  says(".jsonl:10: routed_experts: 3 bytes: a multiple of 24");
  says(".jsonl:11: routed_experts: 0 bytes");
  says(".jsonl:12: routed_experts twice");
  says(".jsonl:13: no routed_experts");
  says(".jsonl:14: no routed_experts");
  EXPECT_EQ(text.find(".jsonl:2:"), std::string::npos);
}

TEST_F(RecordedJsonLines, HostileJsonIsRefusedWithoutHarm) {
  EXPECT_NE(refused(std::string(100'000, '[')).find("nested deeper than 64"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += R"({"a":)";
  EXPECT_NE(refused(deep).find("nested deeper than 64"), std::string::npos);
  EXPECT_NE(refused("{\"routed_experts\": \"" + std::string(1000, 'A')), "");
  EXPECT_NE(refused("{\"a\": \"\xff\xfe\"}"), "");
  EXPECT_NE(refused(std::string(3, '\0')), "");
  EXPECT_NE(refused("\n \n").find("no lines"), std::string::npos);
}

TEST_F(RecordedJsonLines, LinesLongerThanAnyBufferAreRead) {
  // 40,000 tokens: 1.3 MB of base64 in one line, then a short one without an end.
  const RoutingBank bank =
      read(request(1, 40'000) + R"({"routed_experts": ")" + ids(2, 1) + "\"}", 1);
  ASSERT_EQ(bank.num_tokens(), 40'001);
  EXPECT_EQ(bank.token(2, 39'999)[0], 1);
  EXPECT_EQ(bank.token(2, 40'000)[0], 2);
}

}  // namespace
}  // namespace moesim
