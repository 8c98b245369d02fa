// Every key of scenario files, and of engine files, as tables for reference pages.
#pragma once

#include <string>
#include <vector>

namespace moesim {

struct SchemaKey {
  std::string name;
  std::string type;  // Form, allowed words, bounds or units.
  std::string meaning;
  std::string otherwise;  // What holds without the key, or "required".
};

// The keys of one map.
struct SchemaSection {
  std::string path;  // "cases[].engine"; empty for the file itself.
  std::string meaning;
  std::vector<SchemaKey> keys;
};

// Every map of a scenario once, each before those inside it. Words and values stand in backquotes.
std::vector<SchemaSection> schema_sections();

// A range of releases in a file like sim/engines/vllm.yaml.
SchemaSection engine_file_section();

// `list keys`, as lines and as a page of tables.
std::string keys_text();
std::string keys_markdown();

}  // namespace moesim
