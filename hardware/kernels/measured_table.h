// Reads the CSV tables of measured kernel times that a device profile names. The format is
// described in hardware/profiles/README.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/input_error.h"
#include "hardware/kernels/measured_kernels.h"
#include "hardware/spec/device.h"

namespace moesim {

// A table that a profile names: its path, its name in the profile, and the factor on all its times
// in this sample.
struct TableFile {
  std::string path;
  std::string name;
  double stretch = 1;
};

// The rows of all tables together. `facts` gets one line per table: its device, date and versions.
// `device` gives the limits of what a time can be; with `as_stated` false it is a sample of the
// device, against which times are not held. Faults of all rows go into `faults`, at most twenty per
// table; null if there were any.
std::shared_ptr<const MeasuredKernels> read_measured_tables(const std::vector<TableFile>& files,
                                                            const DeviceSpec& device,
                                                            bool as_stated,
                                                            std::vector<Fact>& facts,
                                                            Faults& faults);

}  // namespace moesim
