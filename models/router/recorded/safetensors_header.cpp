#include "models/router/recorded/safetensors_header.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace moesim {

namespace {

constexpr std::string_view kMetadata = "__metadata__";
constexpr std::size_t kMostDimensions = 16;

// Follows the only shape that a header may have, so that nesting is never deeper than 3 and nothing
// is kept but the tensors.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number that is not whole");
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3) return unexpected("a number");
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return fail(fmt::format("{} in {}", value, place()), "numbers below 2^63");
    }
    const std::size_t most = field_ == "shape" ? kMostDimensions : 2;
    if (numbers_.size() == most) return fail("a longer list in " + place(), std::to_string(most));
    numbers_.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata_) return true;
    if (depth_ != 2 || field_ != "dtype") return unexpected("a text");
    tensors.back().dtype = std::move(value);
    return true;
  }

  bool key(string_t& name) override {
    if (depth_ == 1) return open_tensor(std::move(name));
    if (in_metadata_) return true;
    field_ = std::move(name);
    unsigned flag = 0;
    if (field_ == "dtype") flag = 1;
    if (field_ == "shape") flag = 2;
    if (field_ == "data_offsets") flag = 4;
    if (flag == 0 || (fields_ & flag) != 0) {
      return fail(place(), "dtype, shape and data_offsets, once each");
    }
    fields_ |= flag;
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ > 1) return unexpected("an object");
    ++depth_;
    return true;
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 0 || in_metadata_ || fields_ == 7) return true;
    return fail(place(), "dtype, shape and data_offsets, once each");
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || field_ == "dtype") return unexpected("a list");
    ++depth_;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    --depth_;
    TensorInfo& tensor = tensors.back();
    if (field_ == "shape") {
      tensor.shape = numbers_;
      return true;
    }
    if (numbers_.size() != 2) return fail(place(), "two numbers, begin and end");
    tensor.begin = numbers_[0];
    tensor.end = numbers_[1];
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    return fail(fmt::format("a header that is not JSON from its byte {} on", position), "JSON");
  }

  std::vector<TensorInfo> tensors;
  std::string found;  // Why reading ended early, and what would be right; empty if it did not.
  std::string allowed;

 private:
  bool fail(std::string what, std::string right) {
    found = std::move(what);
    allowed = std::move(right);
    return false;
  }
  bool unexpected(const std::string& what) {
    return fail(
        fmt::format("{} in {}", what, place()),
        R"({"name": {"dtype": "BF16", "shape": [...], "data_offsets": [begin, end]}, ...})");
  }
  std::string place() const {
    if (depth_ == 0 || (tensors.empty() && !in_metadata_)) return "the header";
    return "tensor " + shown(in_metadata_ ? kMetadata : tensors.back().name) +
           (field_.empty() ? "" : ", " + shown(field_));
  }
  bool open_tensor(std::string name) {
    in_metadata_ = name == kMetadata;
    field_.clear();
    fields_ = 0;
    if (!in_metadata_) tensors.emplace_back().name = std::move(name);
    return true;
  }

  int depth_ = 0;  // 1 inside the header, 2 inside a tensor, 3 inside its lists.
  bool in_metadata_ = false;
  std::string field_;    // The last key inside a tensor.
  unsigned fields_ = 0;  // Which keys it had: 1 dtype, 2 shape, 4 data_offsets.
  std::vector<std::int64_t> numbers_;
};

}  // namespace

std::vector<TensorInfo> parse_safetensors_header(std::string_view text, const std::string& path) {
  if (!text.starts_with('{')) refuse_file(path, "a header that is no JSON object", "{...}");
  HeaderReader reader;
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  if (!reader.found.empty()) refuse_file(path, reader.found, reader.allowed);
  return std::move(reader.tensors);
}

}  // namespace moesim
