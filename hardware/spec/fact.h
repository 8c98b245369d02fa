// One number of a data file as it was written, so that a report can show where it rests.
#pragma once

#include <string>

#include "base/words.h"

namespace moesim {

// The part of a prediction that a number of a profile enters first. Time enters everything that is
// timed, so also energy, carbon and money; energy enters carbon and money.
enum class Enters { kTime, kMemory, kFirstToken, kEnergy, kCarbon, kMoney };

template <>
inline constexpr auto kWords<Enters> = enum_words<Enters>({
    {Enters::kTime, "time"},
    {Enters::kMemory, "memory"},
    {Enters::kFirstToken, "first_token"},
    {Enters::kEnergy, "energy"},
    {Enters::kCarbon, "carbon"},
    {Enters::kMoney, "money"},
});

struct Fact {
  std::string path;        // "devices/h100-sxm-80gb: memory_bandwidth"
  std::string text;        // "3.35 TB/s"
  std::string source;      // Data sheet, page, paper.
  std::string confidence;  // data-sheet, measured, calibrated, assumption, indicative
  Enters enters;
};

}  // namespace moesim
