#include "reports/render/json/explanation_json.h"

#include <nlohmann/json.hpp>

#include "reports/render/words/explanation_words.h"

namespace moesim {

nlohmann::ordered_json explanation_json(const Explanation& explanation) {
  nlohmann::ordered_json parts = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < explanation.parts.size(); ++i)
    parts[std::string(part_name(static_cast<CostPart>(i)))] = explanation.parts[i];
  return {{"quantity", quantity_name(explanation.quantity)},
          {"unit", quantity_unit(explanation.quantity)},
          {"a", explanation.a},
          {"b", explanation.b},
          {"difference", explanation.difference()},
          {"parts", parts}};
}

}  // namespace moesim
