#include "models/router/counts/expert_counts.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/models/router/recorded/recorded_bytes.h"

namespace moesim::fuzz {

void read_input(const std::string& path) {
  const ModelSpec model = made::routed_model();
  check_bank(read_expert_counts(path, model, {2, 4, 1}), model);
}

std::vector<std::string> seed_inputs() {
  return {"layer_id,expert_id,count\n1,0,100\n1,1,100\n2,7,10\n2,6,5\n2,0,5\n3,0,1\n3,1,1\n3,2,1\n",
          "layer, expert, count\r\n0,0,1\r\n0,7,1\r\n1,3,99999999999\r\n1,4,99999999999\r\n"
          "2,2,5\r\n2,1,4\r\n2,5,0\r\n2,0,3\r\n"};
}

}  // namespace moesim::fuzz
