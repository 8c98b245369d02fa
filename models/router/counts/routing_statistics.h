// Routing statistics as SGLang's expert distribution recorder writes them, in a .pt file of
// torch.save or as the same in JSON:
//   stat:                 {logical_count: [steps, layers, experts], rank, ...}
//   per_pass, per_token:  {records: [{global_physical_count: [layers, slots], ...}, ...],
//                          last_physical_to_logical_map: [layers, slots]}
// A slot is a physical expert, of which a busy expert has several.
// Source: sgl-project/sglang, python/sglang/srt/eplb/expert_distribution.py; files for
// --init-expert-location (expert_location.py) are of the same form.
#pragma once

#include <set>
#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/router/counts/count_grid.h"
#include "models/router/counts/layer_counts.h"
#include "models/spec/model_spec.h"

namespace moesim {

// What is known of such a file, whatever its form.
struct RoutingStatistics {
  explicit RoutingStatistics(FileFaults& faults)
      : logical("logical_count", faults),
        physical("global_physical_count", faults),
        map("physical_to_logical_map", faults) {}

  // The table of a field; null for other fields.
  CountGrid* table(std::string_view field);

  CountGrid logical;
  CountGrid physical;  // Summed over the records.
  CountGrid map;
  std::set<std::string> fields;  // All that the file has.
};

// A bank of tokens drawn from the counts; the fields that are not used stand in its provenance.
// Throws: InputError with the file's faults.
RoutingBank read_routing_statistics(const std::string& path, const ModelSpec& model,
                                    const DrawnTokens& drawn);

}  // namespace moesim
