#include "reports/render/text/explanation_text.h"

#include <fmt/format.h>

#include "reports/render/text/text_table.h"
#include "reports/render/words/explanation_words.h"

namespace moesim {

std::string explanation_text(const std::string& a, const std::string& b,
                             const Explanation& explanation, int width) {
  const double whole = explanation.difference();
  TextTable table;
  table.header = {std::string(quantity_name(explanation.quantity)), "difference", "share"};
  for (std::size_t i = 0; i < explanation.parts.size(); ++i) {
    const double part = explanation.parts[i];
    if (part == 0) continue;
    table.rows.push_back(
        {std::string(part_name(static_cast<CostPart>(i))),
         signed_amount(part, explanation.quantity),
         explanation.differs() ? fmt::format("{:.1f} %", 100 * part / whole) : "-"});
  }
  const bool has_parts = !table.rows.empty();
  table.rows.push_back({"sum", signed_amount(whole, explanation.quantity), ""});
  return wrapped_text(explanation_sentence(a, b, explanation), width) +
         (has_parts ? render(table, width) : "");
}

}  // namespace moesim
