#include "scenarios/format/read_value.h"

#include <filesystem>

namespace moesim {

std::string file_beside(const Value& value, const std::string& name) {
  const auto beside = std::filesystem::path(value.file()).parent_path() / name;
  std::error_code error;
  return std::filesystem::exists(beside, error) ? beside.string() : name;
}

std::string name_or_file_beside(const Value& value, const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos || name.find('.') != std::string::npos;
  return is_path ? file_beside(value, name) : name;
}

void refuse(const Value& value, const InputError& error) {
  for (const Fault& fault : error.faults()) {
    if (fault.file.empty() || fault.line == 0) {
      value.fault(fault.allowed);
    } else {
      value.faults().add(fault);
    }
  }
}

}  // namespace moesim
