// Python pickles as torch.save writes them, read as data: nothing in them is ever called.
// Source: CPython, Lib/pickletools.py (opcodes of protocols 2 to 5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moesim {

struct PickleValue {
  enum class Kind {
    kNone,
    kWhole,   // Numbers, truth values.
    kReal,    //
    kText,    // Also bytes.
    kList,    // Also tuples and sets.
    kMap,     // Keys and values in turn.
    kGlobal,  // A class or function by name: "torch._utils._rebuild_tensor_v2".
    kCall,    // A global and its arguments, a list.
    kStored,  // The parts of a persistent id.
  };
  Kind kind = Kind::kNone;
  std::int64_t whole = 0;
  double real = 0;
  std::string text = {};
  std::vector<std::size_t> items = {};  // Places in PickleTree::values.
};

// Values refer to each other by place; one may be in several others, and in itself.
struct PickleTree {
  std::vector<PickleValue> values;
  std::size_t root = 0;

  const PickleValue& at(std::size_t place) const { return values[place]; }
  // The value of a text key of a map; null if there is none.
  const PickleValue* find(const PickleValue& map, std::string_view key) const;
};

// Throws: InputError naming `file` for opcodes that torch.save does not use, and for a stream that
// is cut short or inconsistent.
PickleTree read_pickle(std::string_view bytes, const std::string& file);

// "a list", "numpy.ndarray(...)", for messages.
std::string kind_text(const PickleTree& tree, const PickleValue& value);

}  // namespace moesim
