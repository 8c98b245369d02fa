#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/input_error.h"
#include "tests/fuzz/fuzz_target.h"

namespace moesim::fuzz {

void require(bool holds, const char* claim) {
  if (holds) return;
  fmt::print(stderr, "broken: {}\n", claim);
  std::abort();
}

bool accepts(std::string_view bytes) {
  // A file without a disk behind it.
  static const int descriptor = ::memfd_create("fuzz", 0);
  require(
      descriptor >= 0 && ::ftruncate(descriptor, 0) == 0 &&
          ::pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
      "the input can be written");
  try {
    read_input(fmt::format("/proc/self/fd/{}", descriptor));
  } catch (const InputError& error) {
    require(!error.faults().empty() && error.faults().size() <= 21, "1 to 21 faults are named");
    return false;
  }
  return true;
}

void check_bank(const RoutingBank& bank, const ModelSpec& model) {
  const MoeSpec& moe = model.moe();
  require(bank.num_layers == model.num_moe_layers() && bank.top_k == moe.top_k &&
              bank.sequences > 0 && bank.sequence_tokens > 0,
          "a bank has the model's shape and tokens");
  require(static_cast<std::int64_t>(bank.ids.size()) ==
              bank.num_layers * bank.num_tokens() * bank.top_k,
          "a bank has an id per layer, token and choice");
  const std::int64_t outputs = moe.num_experts + moe.router.num_zero_experts;
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
      const auto ids = bank.token(layer, t);
      for (std::size_t j = 0; j < ids.size(); ++j) {
        if (ids[j] == kNoExpert) continue;
        require(ids[j] < outputs, "an id is one of the model's experts");
        require(std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(j), ids[j]) ==
                    ids.begin() + static_cast<std::ptrdiff_t>(j),
                "a token has different experts");
      }
    }
  }
}

}  // namespace moesim::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moesim::fuzz::accepts({reinterpret_cast<const char*>(data), size});
  return 0;
}
