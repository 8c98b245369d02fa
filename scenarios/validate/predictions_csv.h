// The predictions of a validation as a table.
#pragma once

#include <string>

#include "scenarios/validate/measurement.h"

namespace moesim {

// id,metric,predicted,unit,status; one line per figure, in the order of the tables. status is
// "predicted" or "skipped: reason"; predicted is empty where skipped.
std::string predictions_csv(const ValidationPlan& plan);

// Throws: InputError if no file can be written there.
void check_can_write(const std::string& path);

// Writes under a temporary name and renames, so that nobody sees half a file.
// Throws: InputError if the file cannot be written.
void write_predictions(const ValidationPlan& plan, const std::string& path);

}  // namespace moesim
