// What tests of the command line ask of an outcome.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/cli/program.h"

namespace moesim {

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Refused: a message that says `part`, nothing on stdout, no report.
inline void expect_refusal(const Workplace& place, const std::vector<std::string>& arguments,
                           int code, const std::string& part) {
  const auto before = place.names();
  const Outcome outcome = place.run(arguments);
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
  EXPECT_EQ(place.names(), before);
}

}  // namespace moesim
