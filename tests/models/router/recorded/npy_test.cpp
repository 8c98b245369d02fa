// Recorded ids as NumPy files: what comes in, what is refused.
#include "models/router/recorded/npy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>

#include "tests/models/router/recorded/recorded_files.h"

namespace moesim {
namespace {

using made::bytes_of;
using made::npy;
using made::npy_dictionary;
using made::refusal;
using made::routed_model;

class RecordedNpy : public made::Folder {
 protected:
  // Why a file of these bytes is refused; empty if it is not.
  std::string refused(const std::string& bytes) const {
    const std::string path = file("ids.npy", bytes);
    return refusal([&] { read_npy(path, routed_model()); });
  }
};

// Two tokens, three layers with experts, two choices: [tokens, layers, top_k] in C order.
const std::vector<int> kIds = {0, 1, 2, 3, 4, 5, 6, 7, 7, 0, 5, 2};
// The same as the bank holds it: [layer][token][k].
const std::vector<std::uint16_t> kBankIds = {0, 1, 6, 7, 2, 3, 7, 0, 4, 5, 5, 2};

template <typename Number>
std::vector<Number> ids_as() {
  return {kIds.begin(), kIds.end()};
}

TEST_F(RecordedNpy, EveryIntegerTypeGivesTheSameIds) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"|i1", bytes_of(ids_as<std::int8_t>())},  {"|u1", bytes_of(ids_as<std::uint8_t>())},
      {"<i2", bytes_of(ids_as<std::int16_t>())}, {"<u2", bytes_of(ids_as<std::uint16_t>())},
      {"<i4", bytes_of(ids_as<std::int32_t>())}, {"<u4", bytes_of(ids_as<std::uint32_t>())},
      {"<i8", bytes_of(ids_as<std::int64_t>())}, {"<u8", bytes_of(ids_as<std::uint64_t>())}};
  for (const auto& [type, data] : files) {
    const std::string path = file("ids.npy", npy(npy_dictionary(type, "(2, 3, 2)"), data));
    const RoutingBank bank = read_npy(path, routed_model(), 2);
    EXPECT_EQ(bank.ids, kBankIds) << type;
    EXPECT_EQ(bank.origin, RoutingOrigin::kRecorded);
    EXPECT_EQ(bank.num_layers, 3);
    EXPECT_EQ(bank.num_experts, 8);
    EXPECT_EQ(bank.top_k, 2);
  }
}

TEST_F(RecordedNpy, LongHeadersOfLaterFormatsAreRead) {
  const std::string header = npy_dictionary("|u1", "(2, 3, 2)");
  for (const char version : {'\x02', '\x03'}) {
    const std::string bytes = std::string("\x93NUMPY") + version + '\0' +
                              bytes_of(static_cast<std::uint32_t>(header.size())) + header +
                              bytes_of(ids_as<std::uint8_t>());
    EXPECT_EQ(read_npy(file("ids.npy", bytes), routed_model(), 2).ids, kBankIds);
  }
}

TEST_F(RecordedNpy, FortranOrderIsTheSameArray) {
  // Element (t, l, k) stands at t + 2 (l + 3 k).
  std::vector<std::uint8_t> turned(12);
  for (std::size_t t = 0; t < 2; ++t) {
    for (std::size_t l = 0; l < 3; ++l) {
      for (std::size_t k = 0; k < 2; ++k) {
        turned[t + 2 * (l + 3 * k)] = static_cast<std::uint8_t>(kIds[(t * 3 + l) * 2 + k]);
      }
    }
  }
  const std::string bytes = npy(npy_dictionary("|u1", "(2, 3, 2)", true), bytes_of(turned));
  EXPECT_EQ(read_npy(file("ids.npy", bytes), routed_model(), 2).ids, kBankIds);
}

TEST_F(RecordedNpy, FilesOfManyBlocksAreReadInBothOrders) {
  constexpr std::int64_t kTokens = 50'000;  // 2.4 MB.
  const auto id = [](std::int64_t t, std::int64_t l, std::int64_t k) {
    return (t * 7 + t / 1000 + l + 3 * k) % 8;
  };
  std::vector<std::int64_t> c_order, fortran;
  for (std::int64_t t = 0; t < kTokens; ++t) {
    for (std::int64_t i = 0; i < 6; ++i) c_order.push_back(id(t, i / 2, i % 2));
  }
  for (std::int64_t i = 0; i < 6; ++i) {
    for (std::int64_t t = 0; t < kTokens; ++t) fortran.push_back(id(t, i % 3, i / 3));
  }
  const std::string first =
      file("c.npy", npy(npy_dictionary("<i8", "(50000, 3, 2)"), bytes_of(c_order)));
  const std::string second =
      file("f.npy", npy(npy_dictionary("<i8", "(50000, 3, 2)", true), bytes_of(fortran)));
  const RoutingBank bank = read_npy(first, routed_model(), 100);
  EXPECT_EQ(read_npy(second, routed_model(), 100).ids, bank.ids);
  for (const std::int64_t t : {0, 21844, 21845, 49'999}) {
    for (std::int64_t l = 0; l < 3; ++l) {
      EXPECT_EQ(bank.token(l, t)[0], id(t, l, 0));
      EXPECT_EQ(bank.token(l, t)[1], id(t, l, 1));
    }
  }
}

TEST_F(RecordedNpy, DenseLayersMayStandInAsFiller) {
  for (const int filler : {0, -1}) {
    std::vector<std::int32_t> all;
    for (std::size_t t = 0; t < 2; ++t) {
      all.insert(all.end(), {filler, filler});
      all.insert(all.end(), kIds.begin() + static_cast<std::ptrdiff_t>(t * 6),
                 kIds.begin() + static_cast<std::ptrdiff_t>(t * 6 + 6));
    }
    const std::string bytes = npy(npy_dictionary("<i4", "(2, 4, 2)"), bytes_of(all));
    EXPECT_EQ(read_npy(file("ids.npy", bytes), routed_model(), 2).ids, kBankIds);
  }
}

TEST_F(RecordedNpy, DenseLayersWithExpertsAreRefused) {
  std::vector<std::int8_t> ids = {0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1};
  const std::string header = npy_dictionary("|i1", "(2, 4, 2)");
  EXPECT_EQ(refused(npy(header, bytes_of(ids))), "");
  ids[9] = 5;
  const std::string text = refused(npy(header, bytes_of(ids)));
  EXPECT_NE(text.find("token 1, layer 0: expert 5"), std::string::npos) << text;
  ids[9] = -1;  // A second filler.
  EXPECT_NE(refused(npy(header, bytes_of(ids))).find("expert -1"), std::string::npos);
}

TEST_F(RecordedNpy, TokensAfterTheLastWholeSequenceAreLeftOut) {
  std::string data;
  for (char t = 0; t < 7; ++t) data += {t, char(7), 0, 1, 2, 3};
  data[6 * 6] = 6;
  const std::string path = file("seven.npy", npy(npy_dictionary("|u1", "(7, 3, 2)"), data));
  const RoutingBank bank = read_npy(path, routed_model(), 3);
  EXPECT_EQ(bank.sequences, 2);
  EXPECT_EQ(bank.sequence_tokens, 3);
  EXPECT_EQ(bank.ids.size(), 6U * 3 * 2);
  for (std::int64_t t = 0; t < 6; ++t) EXPECT_EQ(bank.token(0, t)[0], t);
  EXPECT_EQ(bank.provenance,
            "recorded ids of seven.npy (NumPy u1, 7 tokens: 2 sequences of 3 tokens, 1 token left "
            "out)");
  const RoutingBank whole = read_npy(path, routed_model(), 32);
  EXPECT_EQ(whole.sequences, 1);
  EXPECT_EQ(whole.sequence_tokens, 7);
}

TEST_F(RecordedNpy, NoExpertComesAndGoesAsMinusOne) {
  constexpr std::uint16_t kNone = kNoExpert;
  RoutingBank bank;
  bank.num_layers = 3;
  bank.top_k = 2;
  bank.num_experts = 8;
  bank.sequences = 1;
  bank.sequence_tokens = 2;
  bank.ids = {0, 1, 6, kNone, kNone, kNone, 7, 0, 4, 5, 5, 2};
  write_npy(bank, path("ids.npy"));
  EXPECT_EQ(read_npy(path("ids.npy"), routed_model(), 2).ids, bank.ids);
  // Engines may leave any place free; a bank keeps its experts in front.
  const std::vector<std::int8_t> ids = {-1, 3, 0, 1, 0, 1};
  const std::string bytes = npy(npy_dictionary("|i1", "(1, 3, 2)"), bytes_of(ids));
  const RoutingBank read = read_npy(file("ids.npy", bytes), routed_model());
  EXPECT_EQ(read.token(0, 0)[0], 3);
  EXPECT_EQ(read.token(0, 0)[1], kNone);
}

TEST_F(RecordedNpy, ZeroExpertsAreExperts) {
  ModelSpec model = routed_model();
  for (std::size_t l = 1; l < 4; ++l) model.layers[l].moe->router.num_zero_experts = 4;
  const std::string bytes =
      npy(npy_dictionary("|u1", "(1, 3, 2)"), std::string("\x0b\x00\x01\x02\x03\x04", 6));
  EXPECT_EQ(read_npy(file("ids.npy", bytes), model).token(0, 0)[0], 11);
  EXPECT_NE(refused(bytes).find("token 0, layer 0: expert 11: 0 to 7"), std::string::npos);
}

TEST_F(RecordedNpy, IdsOutOfRangeAndRepeatedAreNamedWithTheirPlace) {
  const std::vector<std::int64_t> ids = {0, 8, 2,  3, 4, 4,
                                         6, 7, -2, 0, 5, std::numeric_limits<std::int64_t>::min()};
  const std::string text = refused(npy(npy_dictionary("<i8", "(2, 3, 2)"), bytes_of(ids)));
  EXPECT_NE(text.find("token 0, layer 0: expert 8: 0 to 7"), std::string::npos) << text;
  EXPECT_NE(text.find("token 0, layer 2: expert 4 twice"), std::string::npos) << text;
  EXPECT_NE(text.find("token 1, layer 1: expert -2"), std::string::npos) << text;
  EXPECT_NE(text.find("token 1, layer 2: expert -9223372036854775808"), std::string::npos) << text;
  EXPECT_EQ(made::count_lines(text), 4U);
}

TEST_F(RecordedNpy, ManyFaultsAreCountedButNotListed) {
  const std::string data(1000 * 6, '\x09');
  const std::string text = refused(npy(npy_dictionary("|u1", "(1000, 3, 2)"), data));
  EXPECT_EQ(made::count_lines(text), 21U);
  EXPECT_NE(text.find("more faults"), std::string::npos);
}

TEST_F(RecordedNpy, HeadersOfOtherArraysAreRefusedByName) {
  const std::string data = bytes_of(ids_as<std::int32_t>());
  const auto with = [&](const std::string& type, const std::string& shape) {
    return refused(npy(npy_dictionary(type, shape), data));
  };
  EXPECT_EQ(with("<i4", "(2, 3, 2)"), "");
  for (const std::string type : {">i4", "=i4", "<f4", "<i3", "|b1", "|i4", "<i16", "O", ""}) {
    const std::string text = with(type, "(2, 3, 2)");
    EXPECT_NE(text.find("items of type \"" + type + "\""), std::string::npos) << text;
  }
  for (const std::string shape :
       {"(4, 3)", "(1, 2, 3, 2)", "(12,)", "()", "(3, 2, 2)", "(2, 2, 3)", "(4, 1, 3)"}) {
    EXPECT_NE(with("<i4", shape), "") << shape;
  }
  EXPECT_NE(refused(npy(npy_dictionary("<i4", "(0, 3, 2)"), "")).find("shape (0, 3, 2)"),
            std::string::npos);
}

TEST_F(RecordedNpy, SizesThatLieAreRefusedBeforeAnythingIsAllocated) {
  const std::string data = bytes_of(ids_as<std::int32_t>());
  for (const std::string shape :
       {"(3, 3, 2)", "(1, 3, 2)", "(1099511627776, 3, 2)", "(9223372036854775807, 3, 2)",
        "(4611686018427387904, 4, 4)", "(99999999999999999999, 3, 2)", "(-2, 3, 2)", "(2, -3, -2)",
        "(2.0, 3, 2)", "(2, 3, 2"}) {
    EXPECT_NE(refused(npy(npy_dictionary("<i4", shape), data)), "") << shape;
  }
  std::string endless = npy(npy_dictionary("<i4", "(2, 3, 2)"), data);
  endless[8] = endless[9] = '\xff';
  EXPECT_NE(refused(endless).find("a header of 65535 bytes"), std::string::npos);
  endless[6] = 2;
  endless[10] = endless[11] = '\xff';
  EXPECT_NE(refused(endless).find("a header of 4294967295 bytes"), std::string::npos);
}

TEST_F(RecordedNpy, DamagedHeadersAreRefused) {
  const std::string data = bytes_of(ids_as<std::int32_t>());
  const std::string good = npy_dictionary("<i4", "(2, 3, 2)");
  for (const std::string& header :
       {std::string(""), std::string("{"), std::string("{}"), std::string("None"), "[" + good + "]",
        good + good, good.substr(0, good.size() - 1), std::string("{'descr': '<i4'}"),
        "{'descr': '<i4', " + good.substr(1), "{'extra': 1, " + good.substr(1),
        std::string("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (2, 3, 2)}"),
        std::string("{'descr': '<i4', 'fortran_order': 0, 'shape': (2, 3, 2)}"),
        std::string("{'descr': '<i4 , 'fortran_order': False, 'shape': (2, 3, 2)}")}) {
    EXPECT_NE(refused(npy(header, data)).find("ids.npy"), std::string::npos) << header;
  }
  const std::string whole = npy(good, data);
  for (std::size_t size = 1; size < whole.size(); size += 3) {
    EXPECT_NE(refused(whole.substr(0, size)).find("ids.npy"), std::string::npos) << size;
  }
  EXPECT_NE(refused(whole + "x"), "");
  EXPECT_NE(refused(std::string("\x93NUMPY\x04\x00", 8) + whole.substr(8)).find("NumPy format 4.0"),
            std::string::npos);
}

TEST_F(RecordedNpy, WhatIsNoFileIsRefusedByName) {
  const auto why = [](const std::string& path) {
    return refusal([&] { read_npy(path, routed_model()); });
  };
  EXPECT_NE(why(path("missing.npy")).find("No such file"), std::string::npos);
  EXPECT_NE(why(path("")).find("a folder"), std::string::npos);
  EXPECT_NE(refused("").find("empty"), std::string::npos);
  // A pipe that nobody writes to would block for ever.
  ASSERT_EQ(::mkfifo(path("pipe.npy").c_str(), 0600), 0);
  EXPECT_NE(why(path("pipe.npy")).find("no regular file"), std::string::npos);
  EXPECT_NE(why("/dev/zero").find("no regular file"), std::string::npos);
  if (::geteuid() != 0) {
    file("locked.npy", "x");
    ::chmod(path("locked.npy").c_str(), 0);
    EXPECT_NE(why(path("locked.npy")).find("cannot be opened"), std::string::npos);
  }
}

TEST_F(RecordedNpy, ModelsWithoutExpertsHaveNoRouting) {
  ModelSpec model = routed_model();
  for (LayerSpec& layer : model.layers) layer.moe.reset();
  const std::string bytes = npy(npy_dictionary("|u1", "(2, 3, 2)"), bytes_of(ids_as<char>()));
  const std::string path = file("ids.npy", bytes);
  EXPECT_NE(refusal([&] { read_npy(path, model); }).find("no experts"), std::string::npos);
}

}  // namespace
}  // namespace moesim
