#include "models/router/recorded/json_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "models/router/recorded/base64.h"
#include "models/router/recorded/recorded_tokens.h"

namespace moesim {

namespace {

constexpr std::string_view kKey = "routed_experts";
constexpr std::string_view kPlaces =
    "a base64 string at routed_experts, meta_info.routed_experts, sglext.routed_experts or the "
    "same inside choices";

// Finds the base64 strings of a line without building its other values.
class ExpertsFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return scalar(); }
  bool number_integer(number_integer_t) override { return scalar(); }
  bool number_unsigned(number_unsigned_t) override { return scalar(); }
  bool number_float(number_float_t, const string_t&) override { return scalar(); }
  bool binary(binary_t&) override { return scalar(); }
  bool string(string_t& value) override {
    if (!wanted()) return true;
    if (std::exchange(levels_.back().found, true)) return fail("routed_experts twice");
    found.push_back(std::move(value));
    return true;
  }
  bool key(string_t& name) override {
    levels_.back().key = std::move(name);
    return true;
  }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    return fail(fmt::format("not JSON from its byte {} on", position));
  }

  std::vector<std::string> found;
  std::string error;  // Why the line ended early; empty if it did not.

 private:
  // An object or list that is open; `key` is the last one of an object.
  struct Level {
    std::string key;
    bool found = false;
  };
  static constexpr std::size_t kMostLevels = 64;

  bool fail(std::string why) {
    error = std::move(why);
    return false;
  }
  bool scalar() { return wanted() ? fail("routed_experts that is no string") : true; }
  bool open() {
    if (wanted()) return fail("routed_experts that is no string");
    if (levels_.size() == kMostLevels)
      return fail(fmt::format("nested deeper than {}", kMostLevels));
    levels_.emplace_back();
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }
  // Whether the value that comes now is one of the ids' strings.
  bool wanted() const {
    static constexpr std::array<std::string_view, 6> kAround = {"",       "choices", "meta_info",
                                                                "sglext", "sgl_ext", "nvext"};
    if (levels_.empty() || levels_.back().key != kKey) return false;
    return std::all_of(levels_.begin(), levels_.end() - 1, [](const Level& level) {
      return std::find(kAround.begin(), kAround.end(), level.key) != kAround.end();
    });
  }

  std::vector<Level> levels_;
};

// One request's checked ids: [token][MoE layer][k].
using Request = std::vector<std::uint16_t>;

class RequestReader {
 public:
  RequestReader(const RoutingShape& shape, FileFaults& faults)
      : shape_(shape), faults_(faults), checker_(shape, faults) {}

  // Adds the requests of a line.
  void take(std::string_view text, std::int64_t line, std::vector<Request>& requests) {
    ExpertsFinder finder;
    nlohmann::json::sax_parse(text.begin(), text.end(), &finder);
    if (!finder.error.empty()) {
      faults_.add(line, "", finder.error, "one JSON object per request");
      return;
    }
    if (finder.found.empty()) faults_.add(line, "", "no routed_experts", std::string(kPlaces));
    for (const std::string& text64 : finder.found) {
      const std::optional<std::vector<std::uint8_t>> bytes = from_base64(text64);
      if (bytes) {
        decode(*bytes, line, requests);
      } else {
        faults_.add(line, std::string(kKey), shown(text64), "base64 with padding");
      }
    }
  }

 private:
  void decode(std::span<const std::uint8_t> bytes, std::int64_t line,
              std::vector<Request>& requests) {
    const std::int64_t layers = axis_layers(bytes);
    if (layers == 0) {
      faults_.add(line, std::string(kKey), fmt::format("{} bytes", bytes.size()), size_allowed());
      return;
    }
    const auto tokens = static_cast<std::int64_t>(bytes.size()) / (4 * layers * shape_.top_k);
    const auto top_k = static_cast<std::size_t>(shape_.top_k);
    const bool all = layers != shape_.num_layers();
    Request request(static_cast<std::size_t>(tokens * shape_.num_layers()) * top_k);
    std::span<std::uint16_t> out(request);
    ids_.resize(top_k);
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t layer = 0; layer < layers; ++layer) {
        if (all && !shape_.has_experts(layer)) continue;
        for (std::size_t j = 0; j < top_k; ++j) {
          ids_[j] =
              id_at(bytes, (t * layers + layer) * shape_.top_k + static_cast<std::int64_t>(j));
        }
        checker_.take(ids_, {line, t, layer}, out.first(top_k));
        out = out.subspan(top_k);
      }
    }
    requests.push_back(std::move(request));
  }

  static std::int64_t id_at(std::span<const std::uint8_t> bytes, std::int64_t index) {
    std::int32_t id = 0;
    std::memcpy(&id, bytes.data() + index * 4, 4);
    return id;
  }

  // Whether the ids can be [tokens, layers, top_k].
  bool fits(std::size_t bytes, std::int64_t layers) const {
    return bytes > 0 && bytes % static_cast<std::size_t>(4 * layers * shape_.top_k) == 0;
  }

  // The length of the layer axis, or 0 if neither count fits. Where both fit by size the dense
  // layers decide: rows of one repeated filler cannot be a token's choice of different experts.
  std::int64_t axis_layers(std::span<const std::uint8_t> bytes) const {
    const bool all = fits(bytes.size(), shape_.all_layers);
    const bool with_experts = fits(bytes.size(), shape_.num_layers());
    if (all && (shape_.all_layers == shape_.num_layers() || dense_layers_are_filler(bytes))) {
      return shape_.all_layers;
    }
    return with_experts ? shape_.num_layers() : 0;
  }

  bool dense_layers_are_filler(std::span<const std::uint8_t> bytes) const {
    std::optional<std::int64_t> filler;
    const std::int64_t ids = static_cast<std::int64_t>(bytes.size()) / 4;
    for (std::int64_t i = 0; i < ids; ++i) {
      if (shape_.has_experts(i / shape_.top_k % shape_.all_layers)) continue;
      const std::int64_t id = id_at(bytes, i);
      if (!filler && (id == 0 || id == -1)) filler = id;
      if (id != filler) return false;
    }
    return true;
  }

  std::string size_allowed() const {
    const std::int64_t row = 4 * shape_.top_k;
    std::string text = fmt::format("a multiple of {} (int32 [tokens, {}, {}])",
                                   row * shape_.num_layers(), shape_.num_layers(), shape_.top_k);
    if (shape_.all_layers != shape_.num_layers()) {
      text += fmt::format(", or of {} with all {} layers, the dense ones all 0 or all -1",
                          row * shape_.all_layers, shape_.all_layers);
    }
    return text;
  }

  const RoutingShape& shape_;
  FileFaults& faults_;
  TokenChecker checker_;
  std::vector<std::int64_t> ids_;
};

// Copies each request's whole sequences into the bank, [layer][token][k].
void fill_bank(const std::vector<Request>& requests, RoutingBank& bank) {
  const std::int64_t row = bank.num_layers * bank.top_k;
  std::int64_t to = 0;
  for (const Request& request : requests) {
    const std::int64_t tokens = static_cast<std::int64_t>(request.size()) / row;
    const std::int64_t kept = tokens / bank.sequence_tokens * bank.sequence_tokens;
    for (std::int64_t t = 0; t < kept; ++t, ++to) {
      for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
        std::copy_n(request.data() + t * row + layer * bank.top_k, bank.top_k,
                    bank.ids.data() + (layer * bank.num_tokens() + to) * bank.top_k);
      }
    }
  }
}

}  // namespace

RoutingBank read_json_lines(const std::string& path, const ModelSpec& model,
                            std::int64_t sequence_tokens) {
  const InputFile file(path);
  const RoutingShape shape(model, path);
  FileFaults faults(path);
  RequestReader reader(shape, faults);
  std::vector<Request> requests;
  LineReader lines(file);
  while (lines.next()) reader.take(lines.text(), lines.number(), requests);
  if (faults.empty() && requests.empty()) faults.add(0, "", "no lines", std::string(kPlaces));
  faults.throw_if_any();
  const auto row = static_cast<std::size_t>(shape.num_layers() * shape.top_k);
  std::vector<std::int64_t> tokens;
  for (const Request& request : requests) {
    tokens.push_back(static_cast<std::int64_t>(request.size() / row));
  }
  const SequenceCut cut(tokens, sequence_tokens);
  RoutingBank bank = empty_bank(shape, cut.sequences, cut.sequence_tokens);
  fill_bank(requests, bank);
  bank.provenance = fmt::format("recorded ids of {} (JSON lines, {}: {})", file.name(),
                                counted(std::ssize(requests), "request"), cut.text());
  return bank;
}

}  // namespace moesim
