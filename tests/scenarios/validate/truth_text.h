// Tables of published measurements as text, made row by row for tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scenarios/validate/truth/truth_columns.h"

namespace moesim {

using Cells = std::map<std::string, std::string>;

// A table of a topic with every column; cells that a row does not name are empty.
inline std::string table_text(Topic topic, const std::vector<Cells>& rows) {
  std::string header;
  for (const TruthColumn& column : truth_columns(topic)) {
    header += (header.empty() ? "" : ",") + std::string(column.name);
  }
  std::string text = header + "\n";
  for (const Cells& row : rows) {
    std::string line;
    for (const TruthColumn& column : truth_columns(topic)) {
      const auto cell = row.find(std::string(column.name));
      if (&column != truth_columns(topic).data()) line += ",";
      if (cell != row.end()) line += cell->second;
    }
    text += line + "\n";
  }
  return text;
}

inline Cells with(Cells cells, const Cells& changes) {
  for (const auto& [name, value] : changes) cells[name] = value;
  return cells;
}

// A closed loop of two users on one GPU: small enough to simulate in milliseconds.
inline const Cells kClosedLoop = {{"id", "a"},
                                  {"model", "llama-3.1-8b"},
                                  {"hardware", "h100-sxm-80gb"},
                                  {"n_gpus", "1"},
                                  {"tp", "1"},
                                  {"weight_dtype", "fp8"},
                                  {"engine", "vllm 0.14"},
                                  {"mode", "closed_loop"},
                                  {"isl", "64"},
                                  {"osl", "8"},
                                  {"concurrency", "2"},
                                  {"metric", "tpot_s"},
                                  {"value", "0.005"},
                                  {"unit", "s"},
                                  {"series", "s"}};

}  // namespace moesim
