// What reading a trace of given text says.
#pragma once

#include <string>

#include "base/input_error.h"
#include "scenarios/format/trace/trace.h"
#include "tests/temporary_file.h"

namespace moesim {

// The message without the file's folder; "" if the trace is read.
inline std::string fault_of(const std::string& name, const std::string& text,
                            const TracePart& part = {}) {
  const TemporaryFile file(name, text);
  try {
    read_trace(file.path(), part);
  } catch (const InputError& e) {
    std::string what = e.what();
    for (std::size_t at; (at = what.find(file.folder() + "/")) != std::string::npos;) {
      what.erase(at, file.folder().size() + 1);
    }
    return what;
  }
  return "";
}

}  // namespace moesim
