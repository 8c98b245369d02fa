#include "base/read_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/document.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

class ReadLogTest : public testing::Test {
 protected:
  TemporaryFile file_{"read-log.txt", "text"};
  std::string path_ = file_.path();
};

TEST_F(ReadLogTest, HoldsFilesAndTheirContent) {
  EXPECT_FALSE(ReadLog::is_on());
  const ReadLog log;
  read_file(path_);
  ASSERT_EQ(log.files().size(), 1u);
  EXPECT_EQ(log.files()[0].path, path_);
  EXPECT_EQ(log.files()[0].content, hash_of("text"));
}

TEST_F(ReadLogTest, PassesTheInnerLogOnToTheOuterOne) {
  const ReadLog outer;
  {
    const ReadLog inner;
    read_file(path_);
    EXPECT_EQ(inner.files().size(), 1u);
    EXPECT_TRUE(outer.files().empty());
  }
  EXPECT_EQ(outer.files().size(), 1u);
}

TEST_F(ReadLogTest, WhatIsKeptHasItsFilesEveryTime) {
  std::map<std::string, MadeOf<std::string>> kept;
  const auto text = [&] { return read_file(path_); };
  const ReadLog log;
  EXPECT_EQ(made_once(kept, "a", text), "text");
  std::filesystem::remove(path_);
  EXPECT_EQ(made_once(kept, "a", text), "text");
  EXPECT_EQ(log.files().size(), 2u);
}

TEST_F(ReadLogTest, NothingIsKeptOfWhatThrows) {
  std::map<std::string, MadeOf<int>> kept;
  EXPECT_THROW(made_once(kept, "a", []() -> int { throw std::runtime_error(""); }),
               std::runtime_error);
  EXPECT_EQ(made_once(kept, "a", [] { return 7; }), 7);
}

}  // namespace
}  // namespace moesim
