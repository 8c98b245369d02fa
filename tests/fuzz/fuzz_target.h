// What a fuzz target is: a reader, and files that it reads. Each target is a program, with
// clang's libFuzzer (MOESIM_FUZZ) or with the driver in fuzz_main.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/spec/model_spec.h"

namespace moesim::fuzz {

// Each target defines these two.
// Reads a file. Throws: InputError if it is refused; anything else is a finding.
void read_input(const std::string& path);
// Files that are not refused, to be damaged.
std::vector<std::string> seed_inputs();

// Whether read_input takes a file of these bytes.
bool accepts(std::string_view bytes);

// Ends the program unless a bank holds what its model allows and no more.
void check_bank(const RoutingBank& bank, const ModelSpec& model);

// Ends the program with a message unless `holds`.
void require(bool holds, const char* claim);

}  // namespace moesim::fuzz
