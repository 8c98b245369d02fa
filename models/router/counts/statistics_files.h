// The two forms of files with routing statistics.
#pragma once

#include <string>

#include "models/router/counts/routing_statistics.h"

namespace moesim {

// Faults of single numbers go to the collector of the tables. Throws: InputError for a file of
// another kind.
void read_statistics_json(const std::string& path, RoutingStatistics& statistics);
void read_statistics_torch(const std::string& path, RoutingStatistics& statistics);

}  // namespace moesim
