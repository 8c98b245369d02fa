#include "scenarios/validate/rows/topics.h"

namespace moesim {

void plan_training(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  for (const TruthRow& row : table.rows) {
    Measurement& figure = plan.add(table, row);
    if (const ModelSpec* model = library.model(figure.model)) figure.is_moe = model->is_moe();
    figure.left_out = figure.left_out || row.text("latest") == "0";
    plan.skip(figure, row.fault().empty() ? "training is not simulated yet" : row.fault());
  }
}

}  // namespace moesim
