#include "models/router/recorded/npy.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/document.h"
#include "base/input_error.h"

namespace moesim {

static_assert(std::endian::native == std::endian::little, "NumPy files are written little-endian");

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::string_view kShapeAllowed =
    "a NumPy array of integers in C order with shape (tokens, layers, top_k)";

[[noreturn]] void refuse(const std::string& path, const std::string& found,
                         const std::string& allowed) {
  throw InputError({{path, 0, "", found, allowed}});
}

// Header of a NumPy file: {'descr': '<i4', 'fortran_order': False, 'shape': (a, b, c), }
struct NpyHeader {
  std::size_t item_bytes = 0;
  bool is_signed = true;
  std::array<std::int64_t, 3> shape{};
  std::size_t data_begin = 0;
};

// The text between the key's colon and the next comma or closing bracket.
std::string_view header_field(std::string_view header, std::string_view key, char end) {
  const std::size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = header.find(':', at);
  const std::size_t stop = begin == std::string_view::npos ? begin : header.find(end, begin);
  if (stop == std::string_view::npos) return {};
  return header.substr(begin + 1, stop - begin - 1);
}

bool read_shape(std::string_view text, std::array<std::int64_t, 3>& shape) {
  std::size_t dimension = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    if (*at < '0' || *at > '9') {
      ++at;
      continue;
    }
    std::int64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || dimension == shape.size()) return false;
    shape[dimension++] = value;
    at = next;
  }
  return dimension == shape.size();
}

std::optional<NpyHeader> parse_header(std::string_view file) {
  if (file.size() < 12 || file.substr(0, 6) != kMagic) return std::nullopt;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(file[i]));
  };
  const bool first_version = byte(6) == 1;
  const std::size_t length =
      byte(8) | byte(9) << 8 | (first_version ? 0 : byte(10) << 16 | byte(11) << 24);
  NpyHeader header;
  const std::size_t begin = first_version ? 10 : 12;
  header.data_begin = begin + length;
  if (header.data_begin > file.size()) return std::nullopt;
  const std::string_view text = file.substr(begin, length);
  const std::string_view type = header_field(text, "'descr'", ',');
  const std::string_view order = header_field(text, "'fortran_order'", ',');
  if (order.find("False") == std::string_view::npos) return std::nullopt;
  bool known = false;
  for (const std::size_t bytes : {1U, 2U, 4U, 8U}) {
    for (const char kind : {'i', 'u'}) {
      if (type.find(fmt::format("{}{}'", kind, bytes)) == std::string_view::npos) continue;
      header.item_bytes = bytes;
      header.is_signed = kind == 'i';
      known = type.find('>') == std::string_view::npos;
    }
  }
  if (!known || !read_shape(header_field(text, "'shape'", ')'), header.shape)) return std::nullopt;
  return header;
}

std::int64_t item(const char* at, const NpyHeader& header) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, at, header.item_bytes);
  if (!header.is_signed) return static_cast<std::int64_t>(bits);
  const auto unused = static_cast<int>(64 - 8 * header.item_bytes);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

void check_shape(const std::string& path, const NpyHeader& header, std::size_t data_bytes,
                 const ModelSpec& model) {
  const auto [tokens, layers, top_k] = header.shape;
  const std::string found = fmt::format("shape ({}, {}, {})", tokens, layers, top_k);
  const std::int64_t wanted_layers = model.num_moe_layers();
  const std::int64_t wanted_top_k = model.moe().top_k;
  if (tokens < 1 || layers != wanted_layers || top_k != wanted_top_k) {
    refuse(path, found,
           fmt::format("(at least 1, {}, {}) for {}", wanted_layers, wanted_top_k, model.name));
  }
  const double expected = static_cast<double>(tokens) * static_cast<double>(layers * top_k) *
                          static_cast<double>(header.item_bytes);
  if (expected != static_cast<double>(data_bytes)) {
    refuse(path, fmt::format("{} bytes of data", data_bytes),
           fmt::format("{:.0f} bytes for {}", expected, found));
  }
}

}  // namespace

void write_npy(const RoutingBank& bank, const std::string& path) {
  std::string header =
      fmt::format("{{'descr': '<i4', 'fortran_order': False, 'shape': ({}, {}, {}), }}",
                  bank.num_tokens(), bank.num_layers, bank.top_k);
  // Data begin at a multiple of 64 bytes; the header ends with a newline.
  header.append((64 - (kMagic.size() + 4 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string text(kMagic);
  text += {'\x01', '\x00'};
  text += static_cast<char>(header.size() & 0xFFU);
  text += static_cast<char>(header.size() >> 8);
  text += header;
  std::vector<std::int32_t> ids;
  ids.reserve(bank.ids.size());
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
      const auto chosen = bank.token(layer, t);
      ids.insert(ids.end(), chosen.begin(), chosen.end());
    }
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.write(reinterpret_cast<const char*>(ids.data()),
             static_cast<std::streamsize>(ids.size() * sizeof(std::int32_t)));
  file.flush();
  if (!file) refuse(path, "cannot be written", "a path that can be written");
}

RoutingBank read_npy(const std::string& path, const ModelSpec& model,
                     std::int64_t sequence_tokens) {
  const std::string file = read_file(path);
  const std::optional<NpyHeader> header = parse_header(file);
  if (!header) refuse(path, "not such a file", std::string(kShapeAllowed));
  check_shape(path, *header, file.size() - header->data_begin, model);
  const MoeSpec& moe = model.moe();
  const std::int64_t outputs = moe.num_experts + moe.router.num_zero_experts;
  const std::int64_t tokens = header->shape[0];
  RoutingBank bank;
  bank.num_layers = header->shape[1];
  bank.top_k = header->shape[2];
  bank.num_experts = moe.num_experts;
  const bool whole = sequence_tokens > 0 && tokens % sequence_tokens == 0;
  bank.sequence_tokens = whole ? sequence_tokens : tokens;
  bank.sequences = tokens / bank.sequence_tokens;
  bank.ids.resize(static_cast<std::size_t>(tokens * bank.num_layers * bank.top_k));
  bank.provenance = "recorded ids from " + std::filesystem::path(path).filename().string();
  const char* at = file.data() + header->data_begin;
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
      for (std::int64_t j = 0; j < bank.top_k; ++j, at += header->item_bytes) {
        const std::int64_t id = item(at, *header);
        if (id < 0 || id >= outputs) {
          refuse(path, fmt::format("id {} of token {}, layer {}", id, t, layer),
                 fmt::format("0 to {}", outputs - 1));
        }
        bank.ids[static_cast<std::size_t>((layer * tokens + t) * bank.top_k + j)] =
            static_cast<std::uint16_t>(id);
      }
    }
  }
  return bank;
}

}  // namespace moesim
