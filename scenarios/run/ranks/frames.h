// Messages over a socket between two processes of one rank: who it is from or for, and bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moesim {

struct Frame {
  std::int32_t rank = 0;  // Of the sender when received, of the receiver when sent.
  std::string text;
};

// Ranks that are none: a message for or from the process at the socket's other end.
inline constexpr std::int32_t kRelay = -1;

// A frame as bytes, and the first whole one taken from bytes.
std::string packed(const Frame& frame);
std::optional<Frame> take_frame(std::string& bytes);

}  // namespace moesim
