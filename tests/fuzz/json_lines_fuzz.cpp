#include "models/router/recorded/json_lines.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/models/router/recorded/recorded_bytes.h"

namespace moesim::fuzz {

void read_input(const std::string& path) {
  const ModelSpec model = made::routed_model();
  check_bank(read_json_lines(path, model, 2), model);
}

std::vector<std::string> seed_inputs() {
  const std::string ids =
      made::base64(made::bytes_of(std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 7, 0, 5, -1}));
  const std::string all =
      made::base64(made::bytes_of(std::vector<std::int32_t>{0, 0, 0, 1, 2, 3, 4, 5}));
  const std::string request = R"({"text": "a \u00e9", "meta_info": {"prompt_tokens": 2, )"
                              R"("routed_experts": ")" +
                              ids + "\"}}\n";
  return {request, request + "\n" + request + R"({"routed_experts": ")" + all + "\"}",
          R"({"choices": [{"index": 0, "sglext": {"routed_experts": ")" + all +
              R"("}}, {"logprobs": [-1.5e-3, null, true]}]})"};
}

}  // namespace moesim::fuzz
