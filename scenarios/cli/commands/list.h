// `moesim list`: names of models and hardware, metrics, keys of scenario files.
#pragma once

#include <string>
#include <vector>

namespace moesim {

struct ListArguments {
  std::string what;  // One of kListed.
  bool markdown = false;
};

inline const std::vector<std::string> kListed = {"models", "hardware", "metrics", "keys", "profile-keys"};

// Returns the exit code. Throws: InputError for Markdown of a list that has none.
int list_command(const ListArguments& arguments);

}  // namespace moesim
