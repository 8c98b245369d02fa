// Reading the fields of a Hugging Face config.json: alternative names, the nested text config of
// multimodal models, limits. Faults are collected; a faulty field reads as 0 or as its default.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/document.h"

namespace moesim {

// A number above these is a typing error, and products of two of them could overflow.
inline constexpr std::int64_t kMaxWidth = 10'000'000;
inline constexpr std::int64_t kMaxLayers = 100'000;
inline constexpr std::int64_t kMaxExperts = 100'000;
inline constexpr std::int64_t kMaxHeads = 100'000;
inline constexpr std::int64_t kMaxHeadDim = 100'000;
inline constexpr std::int64_t kMaxPositions = 1'000'000'000'000;

// The names that different families give one field, the usual one first.
using Names = std::initializer_list<const char*>;

class ConfigFields {
 public:
  // Looks into text_config, llm_config or language_config first when `root` has one, then into
  // `root`.
  explicit ConfigFields(const Value& root);

  // The first of the names that is present and not null.
  std::optional<Value> find(Names names) const;
  bool has(Names names) const { return find(names).has_value(); }
  // The fields of a nested map, or nothing if it is absent or no map (which is a fault).
  std::optional<ConfigFields> nested(const char* name) const;

  // A whole number from 1 to max; absence is a fault. 0 after a fault.
  std::int64_t required(Names names, std::int64_t max) const;
  // The same, or `otherwise` when absent.
  std::int64_t count_or(Names names, std::int64_t otherwise, std::int64_t max) const;
  // A whole number from `min` to max, or `otherwise`.
  std::int64_t integer_or(Names names, std::int64_t otherwise, std::int64_t min,
                          std::int64_t max) const;
  double positive_or(Names names, double otherwise) const;
  // A number from `min` to `max`, or `otherwise` when absent.
  double number_or(Names names, double otherwise, double min, double max) const;
  bool flag_or(Names names, bool otherwise) const;
  std::string text_or(Names names, const std::string& otherwise) const;

  // One whole number per layer: a list of that length, or one number for all.
  std::vector<std::int64_t> per_layer(Names names, std::int64_t num_layers, std::int64_t min,
                                      std::int64_t max) const;
  // One text per layer, each one of `allowed`; nothing if the field is absent or faulty.
  std::vector<std::string> text_per_layer(Names names, std::int64_t num_layers,
                                          const std::vector<std::string>& allowed) const;

  // Adds a fault at the field, or at the map when the field is absent.
  void fault(Names names, const std::string& allowed) const;
  // How many different names were found so far, in the maps nested in this one too.
  std::size_t num_found() const { return found_->size(); }
  // True if anything was wrong so far.
  bool faulty() const { return !root_.faults().empty(); }

 private:
  std::optional<std::int64_t> integer(const Value& value, std::int64_t min, std::int64_t max) const;
  bool has_length(const Value& list, std::int64_t num_layers) const;

  ConfigFields(const Value& root, std::shared_ptr<std::set<std::string>> found);

  Value root_;
  Value text_;  // The nested text config, or root_ again.
  std::shared_ptr<std::set<std::string>> found_;
};

}  // namespace moesim
