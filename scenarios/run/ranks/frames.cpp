#include "scenarios/run/ranks/frames.h"

#include <cstring>

namespace moesim {
namespace {

struct Header {
  std::int32_t rank = 0;
  std::uint32_t padding = 0;
  std::uint64_t length = 0;
};

}  // namespace

std::string packed(const Frame& frame) {
  const Header header{frame.rank, 0, frame.text.size()};
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes + frame.text;
}

std::optional<Frame> take_frame(std::string& bytes) {
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (bytes.size() - sizeof header < header.length) return std::nullopt;
  Frame frame{header.rank, bytes.substr(sizeof header, header.length)};
  bytes.erase(0, sizeof header + header.length);
  return frame;
}

}  // namespace moesim
