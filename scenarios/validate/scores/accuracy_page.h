// How far predictions are from published measurements, as a page for people: ACCURACY.md.
#pragma once

#include <string>

#include "scenarios/validate/plan/validation_plan.h"

namespace moesim {

// Markdown: every topic and metric, by hardware and by model, the worst series and rows, what was
// not predicted and why, and what is not modelled.
std::string accuracy_page(const ValidationPlan& plan);

// Hand-written sections of the page: why some groups are worse than others, what is not modelled.
extern const char* const kAccuracyNotes;

}  // namespace moesim
