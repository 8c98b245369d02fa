#include "hardware/read/profile_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/data_folder.h"
#include "hardware/read/profile_advice.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

const std::vector<std::string> kConfidences = {"data-sheet", "measured", "calibrated", "assumption",
                                               "indicative"};
constexpr const char* kNumberForm = "a map {value: ..., source: ..., confidence: ...} expected";
constexpr const char* kRangeForm = "two numbers [low, high] around the value";

// Half the width of a range that is not stated, relative to the number. Calibrated constants trade
// against each other by about a tenth without a visible change of the error (docs/physics.md,
// "Constants"); the rest is judgement. Data sheets and prices are taken at their word.
double relative_spread(const std::string& confidence) {
  if (confidence == "measured") return 0.03;
  if (confidence == "calibrated") return 0.1;
  return confidence == "assumption" ? 0.25 : 0;
}

}  // namespace

ProfileReader::ProfileReader(const ProfileFile& file, Value root)
    : file_(file), map_(std::move(root)) {}

std::optional<ProfileReader> ProfileReader::open(const ProfileFile& file, Faults& faults) {
  try {
    const YAML::Node root = parse_document(read_file(file.path, kMostDocumentBytes), file.path);
    return ProfileReader(file, Value(root, file.path, "", &faults));
  } catch (const InputError& error) {
    for (const Fault& fault : error.faults()) faults.add(fault);
    return std::nullopt;
  }
}

// Checks everything about a number but the number itself, and keeps it as a fact.
std::optional<ProfileReader::Number> ProfileReader::open_number(const Value& value,
                                                                Certainty certainty,
                                                                Enters enters) {
  if (!value.is_map()) {
    value.fault(kNumberForm);
    return std::nullopt;
  }
  MapReader number(value);
  const auto amount = number.required("value", "the number with its unit");
  const auto source = number.required("source", "data sheet, page or paper it comes from");
  const auto confidence = number.required("confidence", "one of " + comma_list(kConfidences));
  const auto range = number.optional("range");
  const auto date = certainty == Certainty::kPrice
                        ? number.required("date", "when the price was seen, e.g. 2026-05")
                        : std::nullopt;
  const auto source_text = source ? source->text() : std::nullopt;
  const auto level = confidence ? confidence->choice(kConfidences) : std::nullopt;
  number.done();
  if (range && certainty == Certainty::kSetting)
    range->fault("a setting or a count has no range: leave it out");
  if (date) dates_[value.path()] = date->text().value_or("");
  if (!amount) return std::nullopt;
  Number result{*amount, level ? kConfidences[*level] : "", range};
  if (!source_text || result.confidence.empty()) return result;
  std::string shown = amount->is_scalar() ? amount->node().Scalar() : "";
  if (date) shown += " (" + dates_[value.path()] + ")";
  if (range && range->is_list() && range->node().size() == 2) {
    shown += " (" + range->node()[0].Scalar() + " to " + range->node()[1].Scalar() + ")";
  }
  facts_.push_back({path_of(value), shown, *source_text, result.confidence, enters});
  return result;
}

std::string ProfileReader::path_of(const Value& value) const {
  return file_.kind + "/" + file_.name + ": " + value.path();
}

// As the file states it, else by confidence.
NumberRange ProfileReader::range_of(const Number& number, double stated, NumberRange bounds,
                                    const ReadAmount& amount) {
  if (!number.range) {
    const double spread = relative_spread(number.confidence);
    return {std::max(bounds.low, stated * (1 - spread)),
            std::min(bounds.high, stated * (1 + spread))};
  }
  const std::vector<Value> ends = number.range->items();
  if (ends.size() != 2) {
    number.range->fault(kRangeForm);
    return {stated, stated};
  }
  const double low = amount(ends[0]).value_or(stated);
  const double high = amount(ends[1]).value_or(stated);
  if (low <= stated && stated <= high) return {low, high};
  number.range->fault(kRangeForm);
  return {stated, stated};
}

double ProfileReader::drawn(const Value& value, const Number& number, double stated,
                            NumberRange bounds, const ReadAmount& amount) const {
  const NumberRange range = range_of(number, stated, bounds, amount);
  if (file_.variation.as_stated()) return stated;
  return triangular_quantile(stated, range, file_.variation.quantile(path_of(value)));
}

const char* ProfileReader::number_form() {
  return kNumberForm;
}

std::optional<double> ProfileReader::read_flag(const Value& amount) {
  const auto choice = amount.choice({"no", "yes"});
  return choice ? std::optional(static_cast<double>(*choice)) : std::nullopt;
}

std::map<Dtype, double> ProfileReader::by_format(const ProfileKey<Amount>& each) {
  std::map<Dtype, double> out;
  const auto table = map_.required(each.name(), "a map of format: number, e.g. bf16");
  if (!table) return out;
  const std::vector<std::string> names = words_of<Dtype>();
  for (const auto& [name, value] : table->entries()) {
    const auto dtype = from_word<Dtype>(name);
    if (!dtype) {
      const std::string near = did_you_mean(name, names);
      value.fault("unknown format; " + (near.empty() ? "allowed: " + comma_list(names)
                                                     : "did you mean " + near + "?"),
                  name);
      continue;
    }
    Amount amount;
    read_value(each, value, amount);
    out[*dtype] = amount.si;
  }
  if (table->is_map() && !out.contains(Dtype::kBf16) && !out.contains(Dtype::kFp16)) {
    table->fault("bf16 or fp16 must be among the formats");
  }
  return out;
}

std::string ProfileReader::required_text(const std::string& key, const std::string& allowed) {
  const auto value = map_.required(key, allowed);
  return value ? value->text().value_or("") : "";
}

std::vector<std::string> ProfileReader::texts_or_none(const std::string& key) {
  std::vector<std::string> texts;
  const auto list = map_.optional(key);
  if (!list) return texts;
  for (const Value& item : list->items()) {
    if (const auto text = item.text()) texts.push_back(*text);
  }
  return texts;
}

const std::string& ProfileReader::date_of(const std::string& key) const {
  static const std::string kNone;
  const auto found = dates_.find(key);
  return found == dates_.end() ? kNone : found->second;
}

int ProfileReader::line_of(const std::string& key) const {
  return map_.has(key) ? map_.value().node()[key].Mark().line + 1 : map_.value().line();
}

void ProfileReader::fault(const std::string& key, const std::string& allowed) {
  std::string shown;
  if (map_.has(key)) {
    const YAML::Node node = map_.value().node()[key];
    const YAML::Node amount = node.IsMap() ? node["value"] : node;
    if (amount.IsDefined() && amount.IsScalar()) shown = amount.Scalar();
  }
  const std::string& above = map_.value().path();
  faults().add({file_.path, line_of(key), above.empty() ? key : above + "." + key, shown, allowed});
}

std::vector<Fact> ProfileReader::finish() {
  map_.done();
  return std::move(facts_);
}

namespace {

namespace fs = std::filesystem;

std::string shipped_folder(const std::string& kind) {
  return data_folder("hardware/profiles") + "/" + kind;
}

bool is_shipped(const ProfileFile& file) {
  std::error_code error;
  return fs::equivalent(fs::path(file.path).parent_path(), shipped_folder(file.kind), error);
}

// Where a reference of `beside` may lie, in order; never `beside` itself.
std::vector<fs::path> candidates(const std::string& kind, const std::string& name_or_path,
                                 const ProfileFile* beside) {
  const bool is_path = is_profile_path(name_or_path);
  const std::string file = is_path ? name_or_path : name_or_path + ".yaml";
  std::vector<fs::path> out;
  if (beside != nullptr && (is_path || !is_shipped(*beside))) {
    const fs::path folder = fs::path(beside->path).parent_path();
    for (const fs::path& place :
         {folder / file, folder / kind / file, folder / ".." / kind / file}) {
      if (place.lexically_normal() != fs::path(beside->path).lexically_normal()) {
        out.push_back(place);
      }
    }
  }
  if (is_path && beside == nullptr) out.emplace_back(name_or_path);
  if (!is_path) out.push_back(fs::path(shipped_folder(kind)) / file);
  return out;
}

}  // namespace

bool is_profile_path(const std::string& text) {
  return text.find('/') != std::string::npos || fs::path(text).extension() == ".yaml";
}

std::vector<std::string> profile_names(const std::string& kind) {
  const std::string folder = shipped_folder(kind);
  std::error_code error;
  if (!fs::is_directory(folder, error)) return {};
  return file_stems(folder, ".yaml");
}

std::optional<ProfileFile> find_profile(const std::string& kind, const std::string& name_or_path,
                                        const ProfileFile* beside, Fault where, Faults& faults) {
  std::error_code error;
  for (const fs::path& place : candidates(kind, name_or_path, beside)) {
    if (fs::is_regular_file(place, error)) {
      return ProfileFile{kind, place.stem().string(), place.string(),
                         beside != nullptr ? beside->variation : Variation{}};
    }
  }
  where.value = name_or_path;
  if (is_profile_path(name_or_path)) {
    where.allowed = "no such file";
  } else {
    where.allowed = unknown_profile(kind, name_or_path);
  }
  faults.add(where);
  return std::nullopt;
}

std::optional<ProfileFile> find_reference(ProfileReader& reader, const std::string& key,
                                          const std::string& kind) {
  const std::string name = reader.required_text(key, "name of a profile in " + kind);
  if (name.empty()) return std::nullopt;
  const Fault where{reader.file().path, reader.line_of(key), key, name, ""};
  return find_profile(kind, name, &reader.file(), where, reader.faults());
}

}  // namespace moesim
