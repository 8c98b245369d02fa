// Input that never ends, or that a terminal obeys: files that are devices or pipes, whole files in
// messages, characters that turn the direction of text.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/document.h"
#include "base/input_error.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

std::string refusal(const std::string& path, std::uint64_t most = kMostFileBytes) {
  try {
    read_file(path, most);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(HostileInput, DevicesAndPipesAreNoFiles) {
  EXPECT_EQ(refusal("/dev/zero"), "/dev/zero: a file expected, this is a pipe or a device");
  const std::string pipe = "/tmp/moesim-pipe-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(refusal(pipe), pipe + ": a file expected, this is a pipe or a device");
  unlink(pipe.c_str());
}

TEST(HostileInput, AFileIsMeasuredBeforeItIsRead) {
  const TemporaryFile file("large.txt", std::string(1001, 'x'));
  EXPECT_EQ(refusal(file.path(), 1000),
            file.path() + ": 1001 bytes: a file of at most 1000 bytes expected");
  EXPECT_EQ(refusal(file.path(), 1001), "");
}

TEST(HostileInput, AMessageShowsTheBeginningOfAValue) {
  const Fault fault{"a.yaml", 1, "name", std::string(5000, 'x'), "text expected"};
  EXPECT_LT(fault.text().size(), 300U);
  EXPECT_TRUE(fault.text().ends_with("...: text expected"));
}

// U+202E writes from right to left; ESC begins a command of the terminal.
TEST(HostileInput, AMessageHoldsNothingThatATerminalObeys) {
  const Fault fault{"a.yaml", 1, "name",
                    "abc\xE2\x80\xAE"
                    "def\x1B[2J",
                    "text expected"};
  EXPECT_EQ(fault.text().find("\xE2\x80\xAE"), std::string::npos);
  EXPECT_EQ(fault.text().find('\x1B'), std::string::npos);
}

}  // namespace
}  // namespace moesim
