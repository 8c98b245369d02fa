#include <fmt/format.h>

#include "models/router/counts/statistics_files.h"
#include "models/router/counts/torch_file.h"
#include "models/router/recorded/input_file.h"

namespace moesim {

namespace {

using Kind = PickleValue::Kind;

class StatisticsReader {
 public:
  StatisticsReader(const std::string& path, RoutingStatistics& statistics)
      : file_(path), statistics_(statistics), fields_left_(InputFile(path).size()) {}

  void read() {
    const PickleTree& tree = file_.tree();
    const PickleValue& root = tree.at(tree.root);
    if (root.kind != Kind::kMap) {
      refuse_file(file_.path(), kind_text(tree, root), "a dictionary with logical_count");
    }
    take_fields(root);
    const PickleValue* records = tree.find(root, "records");
    if (records == nullptr) return;
    if (records->kind != Kind::kList) {
      refuse_file(file_.path(), "records: " + kind_text(tree, *records), "a list of records");
    }
    for (const std::size_t item : records->items) {
      if (tree.at(item).kind == Kind::kMap) take_fields(tree.at(item));
    }
  }

 private:
  void take_fields(const PickleValue& map) {
    const PickleTree& tree = file_.tree();
    // A record that is in the list again and again would take endless time.
    fields_left_ -= std::ssize(map.items);
    if (fields_left_ < 0)
      refuse_file(file_.path(), "records larger than the file", "records apart");
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
      const std::string& field = tree.at(map.items[i]).text;
      statistics_.fields.insert(field);
      CountGrid* table = statistics_.table(field);
      if (table != nullptr) take_tensor(tree.at(map.items[i + 1]), *table);
    }
  }

  void take_tensor(const PickleValue& value, CountGrid& table) {
    if (!TorchFile::is_tensor(file_.tree(), value)) {
      refuse_file(file_.path(), table.name() + ": " + kind_text(file_.tree(), value),
                  "a tensor; or write `.tolist()` of it to a .json file");
    }
    const WholeTensor tensor = file_.read(value);
    const std::size_t dimensions = tensor.shape.size();
    if (dimensions != 2 && dimensions != 3) {
      refuse_file(file_.path(), fmt::format("{} of {} dimensions", table.name(), dimensions),
                  "[layers, experts], or [steps, layers, experts]");
    }
    const std::int64_t slots = tensor.shape[dimensions - 1];
    const std::int64_t layers = tensor.shape[dimensions - 2];
    if (tensor.values.empty()) return;
    const auto steps = static_cast<std::int64_t>(tensor.values.size()) / (layers * slots);
    auto next = tensor.values.begin();
    for (std::int64_t step = 0; step < steps; ++step) {
      for (std::int64_t layer = 0; layer < layers; ++layer) {
        for (std::int64_t slot = 0; slot < slots; ++slot) table.add(layer, slot, *next++);
        table.end_layer(layer, slots);
      }
      table.end_step(layers);
    }
  }

  TorchFile file_;
  RoutingStatistics& statistics_;
  std::int64_t fields_left_;
};

}  // namespace

void read_statistics_torch(const std::string& path, RoutingStatistics& statistics) {
  StatisticsReader(path, statistics).read();
}

}  // namespace moesim
