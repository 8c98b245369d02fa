#include "models/router/recorded/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>

#include "models/router/recorded/npy_header.h"
#include "models/router/recorded/recorded_tokens.h"

namespace moesim {

static_assert(std::endian::native == std::endian::little, "NumPy files are written little-endian");

namespace {

constexpr std::int64_t kBlockBytes = std::int64_t{1} << 20;

template <typename Item>
std::int64_t item(const char* at) {
  Item value;
  std::memcpy(&value, at, sizeof(Item));
  return static_cast<std::int64_t>(value);
}
using ItemReader = std::int64_t (*)(const char*);

ItemReader item_reader(const NpyHeader& header) {
  switch (header.item_bytes) {
    case 1:
      return header.is_signed ? item<std::int8_t> : item<std::uint8_t>;
    case 2:
      return header.is_signed ? item<std::int16_t> : item<std::uint16_t>;
    case 4:
      return header.is_signed ? item<std::int32_t> : item<std::uint32_t>;
    default:
      return item<std::int64_t>;  // Above 2^63 becomes negative: no expert either way.
  }
}

// One way through an array [tokens, layers, top_k]: the file's tokens in blocks, and where in a
// block the items of a token lie.
struct Walk {
  explicit Walk(const NpyHeader& header)
      : tokens(header.shape[0]),
        layers(header.shape[1]),
        top_k(header.shape[2]),
        item_bytes(header.item_bytes),
        data_begin(header.data_begin),
        fortran_order(header.fortran_order) {
    const std::int64_t row = layers * top_k * item_bytes;
    block_tokens = std::clamp<std::int64_t>(kBlockBytes / row, 1, tokens);
    buffer.resize(static_cast<std::size_t>(block_tokens * row));
  }

  // Item (t, l, k) stands at (t L + l) K + k in C order and at t + T (l + L k) in Fortran order.
  void load(const InputFile& file, std::int64_t first) {
    begin = first;
    size = std::min(block_tokens, tokens - first);
    const std::int64_t columns = layers * top_k;
    if (!fortran_order) {
      const auto bytes = static_cast<std::size_t>(size * columns * item_bytes);
      file.read(data_begin + first * columns * item_bytes, std::span(buffer).first(bytes));
      return;
    }
    const auto bytes = static_cast<std::size_t>(size * item_bytes);
    for (std::int64_t column = 0; column < columns; ++column) {
      file.read(data_begin + (column * tokens + first) * item_bytes,
                std::span(buffer).subspan(static_cast<std::size_t>(column) * bytes, bytes));
    }
  }

  const char* at(std::int64_t token, std::int64_t layer, std::int64_t k) const {
    const std::int64_t t = token - begin;
    const std::int64_t index =
        fortran_order ? t + size * (layer + layers * k) : (t * layers + layer) * top_k + k;
    return buffer.data() + index * item_bytes;
  }

  std::int64_t tokens, layers, top_k, item_bytes, data_begin;
  bool fortran_order;
  std::int64_t block_tokens = 0;
  std::int64_t begin = 0;  // First token of the block in the buffer ...
  std::int64_t size = 0;   // ... and how many there are.
  std::vector<char> buffer;
};

void check_shape(const InputFile& file, const NpyHeader& header, const RoutingShape& shape) {
  const std::vector<std::int64_t>& found = header.shape;
  if (found.size() == 3 && found[0] >= 1 && found[2] == shape.top_k &&
      (found[1] == shape.num_layers() || found[1] == shape.all_layers)) {
    return;
  }
  std::string layers = std::to_string(shape.num_layers());
  if (shape.all_layers != shape.num_layers()) {
    layers += fmt::format(" layers with experts or all {}", shape.all_layers);
  }
  refuse_file(file.path(), "shape " + shape_text(found),
              fmt::format("(tokens, {}, {}) for {}", layers, shape.top_k, shape.model));
}

// Copies the kept tokens of a file into a bank, checking every id.
class NpyReader {
 public:
  NpyReader(const InputFile& file, const NpyHeader& header, const RoutingShape& shape)
      : file_(file),
        shape_(shape),
        walk_(header),
        read_(item_reader(header)),
        faults_(file.path()),
        checker_(shape, faults_),
        ids_(static_cast<std::size_t>(shape.top_k)) {}

  void fill(RoutingBank& bank) {
    for (std::int64_t first = 0; first < bank.num_tokens(); first += walk_.block_tokens) {
      walk_.load(file_, first);
      for (std::int64_t layer = 0, slot = 0; layer < walk_.layers; ++layer) {
        const bool dense = walk_.layers != shape_.num_layers() && !shape_.has_experts(layer);
        if (dense) {
          check_filler(layer);
        } else {
          copy(layer, slot++, bank);
        }
      }
    }
    faults_.throw_if_any();
  }

 private:
  void load_ids(std::int64_t token, std::int64_t layer) {
    const char* at = walk_.at(token, layer, 0);
    const std::ptrdiff_t step = shape_.top_k > 1 ? walk_.at(token, layer, 1) - at : 0;
    for (std::int64_t& id : ids_) {
      id = read_(at);
      at += step;
    }
  }

  void copy(std::int64_t layer, std::int64_t slot, RoutingBank& bank) {
    const std::int64_t end = std::min(walk_.begin + walk_.size, bank.num_tokens());
    std::uint16_t* out = bank.ids.data() + (slot * bank.num_tokens() + walk_.begin) * shape_.top_k;
    for (std::int64_t token = walk_.begin; token < end; ++token, out += shape_.top_k) {
      load_ids(token, layer);
      checker_.take(ids_, {0, token, layer}, {out, ids_.size()});
    }
  }

  void check_filler(std::int64_t layer) {
    for (std::int64_t token = walk_.begin; token < walk_.begin + walk_.size; ++token) {
      load_ids(token, layer);
      for (const std::int64_t id : ids_) {
        if (!filler_ && (id == 0 || id == -1)) filler_ = id;
        if (id == filler_) continue;
        report_filler(token, layer, id);
        return;
      }
    }
  }

  void report_filler(std::int64_t token, std::int64_t layer, std::int64_t id) {
    faults_.add(0, fmt::format("token {}, layer {}", token, layer), fmt::format("expert {}", id),
                fmt::format("all 0 or all -1 in the layers of {} without experts", shape_.model));
  }

  const InputFile& file_;
  const RoutingShape& shape_;
  Walk walk_;
  ItemReader read_;
  FileFaults faults_;
  TokenChecker checker_;
  std::vector<std::int64_t> ids_;
  std::optional<std::int64_t> filler_;  // Value in layers without experts.
};

}  // namespace

void write_npy(const RoutingBank& bank, const std::string& path) {
  std::string header =
      fmt::format("{{'descr': '<i4', 'fortran_order': False, 'shape': ({}, {}, {}), }}",
                  bank.num_tokens(), bank.num_layers, bank.top_k);
  // Data begin at a multiple of 64 bytes; the header ends with a newline.
  constexpr std::size_t kStart = 10;
  header.append((64 - (kStart + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 0xFFU);
  text += static_cast<char>(header.size() >> 8);
  std::ofstream file(path, std::ios::binary);
  file << text << header;
  std::vector<std::int32_t> row;
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    row.clear();
    for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
      for (const std::uint16_t id : bank.token(layer, t)) {
        row.push_back(id == kNoExpert ? -1 : id);
      }
    }
    file.write(reinterpret_cast<const char*>(row.data()),
               static_cast<std::streamsize>(row.size() * sizeof(std::int32_t)));
  }
  file.flush();
  if (!file) refuse_file(path, "cannot be written", "a path that can be written");
}

RoutingBank read_npy(const std::string& path, const ModelSpec& model,
                     std::int64_t sequence_tokens) {
  const InputFile file(path);
  const RoutingShape shape(model, path);
  const NpyHeader header = read_npy_header(file);
  check_shape(file, header, shape);
  const SequenceCut cut({header.shape.data(), 1}, sequence_tokens);
  RoutingBank bank = empty_bank(shape, cut.sequences, cut.sequence_tokens);
  NpyReader(file, header, shape).fill(bank);
  bank.provenance = fmt::format("recorded ids of {} (NumPy {}, {}: {})", file.name(), header.type,
                                counted(header.shape[0], "token"), cut.text());
  return bank;
}

}  // namespace moesim
