#include "models/router/recorded/npy_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace moesim {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::int64_t kMostHeaderBytes = 65536;
constexpr std::size_t kMostDimensions = 32;  // NumPy's own limit.

// The Python dictionary of a header, one token at a time:
// {'descr': '<i4', 'fortran_order': False, 'shape': (a, b, c), }
class DictionaryReader {
 public:
  explicit DictionaryReader(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<std::string> quoted() {
    skip_blanks();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return std::nullopt;
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::size_t begin = std::exchange(at_, end + 1) + 1;
    return std::string(text_.substr(begin, end - begin));
  }

  std::optional<bool> boolean() {
    skip_blanks();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += std::string_view(word).size();
      return value;
    }
    return std::nullopt;
  }

  // Not negative; a number that 64 bits cannot hold is none.
  std::optional<std::int64_t> number() {
    skip_blanks();
    std::int64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [next, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0) return std::nullopt;
    at_ += static_cast<std::size_t>(next - begin);
    return value;
  }

  std::optional<std::vector<std::int64_t>> tuple() {
    if (!take('(')) return std::nullopt;
    std::vector<std::int64_t> numbers;
    while (!take(')')) {
      const std::optional<std::int64_t> value = number();
      if (!value || numbers.size() == kMostDimensions) return std::nullopt;
      numbers.push_back(*value);
      if (take(',')) continue;
      if (!take(')')) return std::nullopt;
      break;
    }
    return numbers;
  }

  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Fields {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;

  bool complete() const { return descr && fortran_order && shape; }
};

// Reads one "key: value" that has not been there before; false if it is no such thing.
bool take_field(DictionaryReader& reader, Fields& fields) {
  const std::optional<std::string> key = reader.quoted();
  if (!key || !reader.take(':')) return false;
  if (*key == "descr" && !fields.descr) return (fields.descr = reader.quoted()).has_value();
  if (*key == "fortran_order" && !fields.fortran_order) {
    return (fields.fortran_order = reader.boolean()).has_value();
  }
  if (*key == "shape" && !fields.shape) return (fields.shape = reader.tuple()).has_value();
  return false;
}

std::optional<Fields> read_dictionary(std::string_view text) {
  DictionaryReader reader(text);
  if (!reader.take('{')) return std::nullopt;
  Fields fields;
  while (!reader.take('}')) {
    if (!take_field(reader, fields)) return std::nullopt;
    if (reader.take(',')) continue;
    if (!reader.take('}')) return std::nullopt;
    break;
  }
  if (!reader.at_end() || !fields.complete()) return std::nullopt;
  return fields;
}

// "<i4" and the like.
void read_type(const InputFile& file, const std::string& descr, NpyHeader& header) {
  const std::string allowed = "little-endian integers of 1, 2, 4 or 8 bytes, as '<i4' or '|u1'";
  const std::string found = fmt::format("items of type {}", shown(descr));
  if (descr.size() != 3 || (descr[1] != 'i' && descr[1] != 'u')) {
    refuse_file(file.path(), found, allowed);
  }
  header.type = descr.substr(1);
  header.is_signed = descr[1] == 'i';
  header.item_bytes = descr[2] - '0';
  const bool known_size = std::string_view("1248").find(descr[2]) != std::string_view::npos;
  // Single bytes have no order.
  const bool known_order = descr[0] == '<' || (header.item_bytes == 1 && descr[0] == '|');
  if (!known_size || !known_order) refuse_file(file.path(), found, allowed);
}

// Requires: the data are as long as the shape says, without ever multiplying beyond 64 bits.
void check_size(const InputFile& file, const NpyHeader& header) {
  const std::int64_t data = file.size() - header.data_begin;
  std::int64_t bytes = header.item_bytes;
  bool fits = true;
  for (const std::int64_t extent : header.shape) {
    fits = fits && !__builtin_mul_overflow(bytes, extent, &bytes);
  }
  if (fits && bytes == data) return;
  refuse_file(file.path(), fmt::format("{} bytes of data", data),
              fmt::format("{} bytes for shape {} of {}", fits ? std::to_string(bytes) : "more",
                          shape_text(header.shape), header.type));
}

// The header's text, after its length has been found to lie in the file.
std::string header_text(const InputFile& file, NpyHeader& header) {
  std::string start(static_cast<std::size_t>(std::min<std::int64_t>(12, file.size())), '\0');
  file.read(0, start);
  const std::string allowed = "a NumPy file (.npy) of format 1 to 3";
  if (!start.starts_with(kMagic)) refuse_file(file.path(), "not a NumPy file", allowed);
  if (start.size() < 12) refuse_file(file.path(), "a header cut short", allowed);
  const auto byte = [&](std::size_t i) {
    return static_cast<std::int64_t>(static_cast<unsigned char>(start[i]));
  };
  if (byte(6) < 1 || byte(6) > 3) {
    refuse_file(file.path(), fmt::format("NumPy format {}.{}", byte(6), byte(7)), allowed);
  }
  const bool short_length = byte(6) == 1;
  const std::int64_t begin = short_length ? 10 : 12;
  const std::int64_t length =
      byte(8) | byte(9) << 8 | (short_length ? 0 : byte(10) << 16 | byte(11) << 24);
  const std::int64_t most = std::min(kMostHeaderBytes, file.size() - begin);
  if (length > most) {
    refuse_file(file.path(), fmt::format("a header of {} bytes", length),
                fmt::format("at most {}", most));
  }
  header.data_begin = begin + length;
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read(begin, text);
  return text;
}

}  // namespace

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

NpyHeader read_npy_header(const InputFile& file) {
  NpyHeader header;
  const std::string text = header_text(file, header);
  std::optional<Fields> fields = read_dictionary(text);
  if (!fields) {
    refuse_file(file.path(), "header " + shown(text),
                "{'descr': '<i4', 'fortran_order': False, 'shape': (tokens, layers, top_k), }");
  }
  read_type(file, *fields->descr, header);
  header.fortran_order = *fields->fortran_order;
  header.shape = std::move(*fields->shape);
  check_size(file, header);
  return header;
}

}  // namespace moesim
