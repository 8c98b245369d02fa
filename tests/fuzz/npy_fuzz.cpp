#include "models/router/recorded/npy.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/models/router/recorded/recorded_bytes.h"

namespace moesim::fuzz {

void read_input(const std::string& path) {
  const ModelSpec model = made::routed_model();
  check_bank(read_npy(path, model, 2), model);
}

std::vector<std::string> seed_inputs() {
  const std::vector<std::int32_t> ids = {0, 1, 2, 3, 4, 5, 6, 7, 7, 0, 5, -1, 1, 0, 3, 2, 5, 4};
  std::vector<std::int16_t> all = {0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 6, 7, 7, 0, 5, 2};
  return {made::npy(made::npy_dictionary("<i4", "(3, 3, 2)"), made::bytes_of(ids)),
          made::npy(made::npy_dictionary("<i2", "(2, 4, 2)"), made::bytes_of(all)),
          made::npy(made::npy_dictionary("|u1", "(1, 3, 2)", true),
                    std::string("\x00\x01\x02\x03\x04\x05", 6)),
          made::npy(made::npy_dictionary("<i8", "(1, 3, 2)"),
                    made::bytes_of(std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}))};
}

}  // namespace moesim::fuzz
