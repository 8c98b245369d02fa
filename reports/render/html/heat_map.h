// Heat maps as HTML tables, with the numbers in the cells: expert load by layer, traffic by rank
// pair.
#pragma once

#include <string>

#include "reports/results/case_routing.h"

namespace moesim {

// Layers by experts, tokens over the mean. Where there is no room for all, a cell shows the hottest
// of its neighbours: a mean would hide what limits a step.
std::string load_map(const Grid& load);
// What a cell of load_map stands for where it is not one expert of one layer; empty if it is.
std::string load_map_note(const Grid& load);

// Source ranks by destination ranks, bytes per token in the prefix of the largest. Where there is
// no room for all, a cell shows the mean over its rank pairs.
std::string traffic_map(const Grid& bytes);
// Unit of its numbers, and what a cell stands for.
std::string traffic_map_note(const Grid& bytes);

// The classes of load that colours stand for, as a legend.
std::string load_legend();

}  // namespace moesim
