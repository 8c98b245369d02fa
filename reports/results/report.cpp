#include "reports/results/report.h"

namespace moesim {

std::string_view program_version() {
  return MOESIM_VERSION;
}

}  // namespace moesim
