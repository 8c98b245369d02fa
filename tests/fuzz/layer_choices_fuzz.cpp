#include "models/router/recorded/layer_choices.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/models/router/recorded/recorded_bytes.h"

namespace moesim::fuzz {

void read_input(const std::string& path) {
  const ModelSpec model = made::routed_model();
  check_bank(read_layer_choices(path, model, 2), model);
}

std::vector<std::string> seed_inputs() {
  return {"layer,expert\n1,0\n1,1\n2,2\n2,3\n3,4\n3,5\n1,6\n1,7\n2,0\n2,7\n3,1\n3,2\n",
          "0,0\r\n0,1\r\n0,2\r\n0,3\r\n1,2\r\n1,3\r\n1,-1\r\n1,5\r\n2,4\r\n2,5\r\n"};
}

}  // namespace moesim::fuzz
