#include "models/router/counts/routing_statistics.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/models/router/counts/torch_bytes.h"

namespace moesim::fuzz {

void read_input(const std::string& path) {
  const ModelSpec model = made::routed_model();
  check_bank(read_routing_statistics(path, model, {2, 4, 1}), model);
}

std::vector<std::string> seed_inputs() {
  const std::string counts = "[[1,1,0,0,0,0,0,0],[1,1,1,1,0,0,0,0],[1,1,1,1,1,1,1,1]]";
  const std::string numbers = made::bytes_of(std::vector<std::int32_t>(24, 1));
  const std::string tensor = made::pickled_tensor("IntStorage", "0", 24, {3, 8}, {8, 1});
  const std::string record = made::pickled_map({{"global_physical_count", tensor}});
  const std::string map = made::bytes_of(std::vector<std::uint8_t>{
      0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7});
  return {"{\"logical_count\": " + counts + ", \"rank\": 0}",
          "{\"records\": [{\"global_physical_count\": " + counts +
              "}], \"last_physical_to_logical_map\": [[0,1,2,3,4,5,6,7],[0,1,2,3,4,5,6,7],"
              "[0,1,2,3,4,5,6,7]]}",
          made::torch_file(made::pickled_map({{"logical_count", tensor}}), {numbers}),
          made::torch_file(
              made::pickled_map({{"records", "](" + record + "e"},
                                 {"last_physical_to_logical_map",
                                  made::pickled_tensor("ByteStorage", "1", 24, {3, 8}, {8, 1})}}),
              {numbers, map})};
}

}  // namespace moesim::fuzz
