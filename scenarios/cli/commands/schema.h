// `moesim schema`: JSON Schemas on stdout.
#pragma once

#include <string>
#include <vector>

namespace moesim {

struct SchemaArguments {
  std::string what;  // One of kSchemas.
};

inline const std::vector<std::string> kSchemas = {"report", "scenario"};

// Returns the exit code.
int schema_command(const SchemaArguments& arguments);

}  // namespace moesim
