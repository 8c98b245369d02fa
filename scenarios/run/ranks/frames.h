// Messages over a socket between the two processes of one rank: a rank and bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moesim {

struct Frame {
  std::int32_t rank = 0;  // Of the sender when received, of the receiver when sent.
  std::string text;
};

// Stands for the process at the other end of the socket itself.
inline constexpr std::int32_t kRelay = -1;

// A frame as bytes.
std::string packed(const Frame& frame);
// Removes the first complete frame from bytes; nothing if there is none.
std::optional<Frame> take_frame(std::string& bytes);

}  // namespace moesim
