// Reads the CSV tables of measured kernel times that a device profile names. The format is
// described in hardware/profiles/README.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/input_error.h"
#include "hardware/kernels/measured_kernels.h"
#include "hardware/spec/device.h"
#include "hardware/spec/variation.h"

namespace moesim {

// A table that a profile names: where it lies, and how the profile calls it.
struct TableFile {
  std::string path;
  std::string name;
};

// The rows of all tables together. `facts` gets one line per table: its device, date and versions.
// `device` gives the limits of what a time can be. A draw of `variation` makes all times of a table
// longer or shorter alike, and does not hold them against the drawn device. Faults of all rows go
// into `faults`, at most twenty per table; null if there were any.
std::shared_ptr<const MeasuredKernels> read_measured_tables(const std::vector<TableFile>& files,
                                                            const DeviceSpec& device,
                                                            const Variation& variation,
                                                            std::vector<Fact>& facts,
                                                            Faults& faults);

}  // namespace moesim
