#include "scenarios/validate/rows/conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/input_error.h"
#include "models/spec/model_formats.h"

namespace moesim {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Dtype dtype_named(const std::string& name) {
  const auto dtype = from_word<Dtype>(name);
  if (!dtype) throw Skipped{fmt::format("format {} not known", name)};
  return *dtype;
}

FormatName format_named(const std::string& name) {
  const auto format = from_word<FormatName>(name);
  if (!format) throw Skipped{fmt::format("format {} not known", name)};
  return *format;
}

}  // namespace

double stated_number(const TruthRow& row, std::string_view column) {
  const auto value = row.number(column);
  if (!value || *value <= 0) throw Skipped{fmt::format("{} not stated", column)};
  return *value;
}

std::int64_t stated(const TruthRow& row, std::string_view column) {
  return std::max<std::int64_t>(1, std::llround(stated_number(row, column)));
}

const ModelSpec& stated_model(const TruthRow& row, const Library& library) {
  const std::string& slug = row.text("model");
  if (slug.empty()) throw Skipped{"model not stated"};
  const ModelSpec* model = library.model(slug);
  if (model == nullptr) throw Skipped{fmt::format("model {} is not in the catalogue", slug)};
  return *model;
}

const DeviceSpec& stated_hardware(const TruthRow& row, const Library& library) {
  const std::string& slug = row.text("hardware");
  if (slug.empty()) throw Skipped{"hardware not stated"};
  const DeviceSpec* device = library.device(slug);
  if (device == nullptr) throw Skipped{fmt::format("hardware {} has no profile", slug)};
  return *device;
}

std::string engine_name(const std::string& cell) {
  if (cell.empty()) throw Skipped{"engine not stated"};
  const std::string name = lower(cell);
  for (const char* engine : {"vllm", "sglang", "tensorrt-llm"}) {
    if (name.starts_with(engine)) return engine;
  }
  if (name.starts_with("tensorrt")) return "tensorrt-llm";
  throw Skipped{fmt::format("engine {} is not modelled", cell)};
}

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The first "20YY-MM" of a text; empty if there is none.
std::string month_in(const std::string& text) {
  for (std::size_t at = text.find("20"); at != std::string::npos; at = text.find("20", at + 1)) {
    const std::string month = text.substr(at, 7);
    if (month.size() == 7 && month[4] == '-' && is_digit(month[2]) && is_digit(month[3]) &&
        is_digit(month[5]) && is_digit(month[6])) {
      return month;
    }
  }
  return "";
}

bool is_known(const std::string& words, const Library& library) {
  try {
    library.engine(words);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

std::string stated_engine(const TruthRow& row, const Library& library,
                          const std::string& otherwise) {
  const std::string& cell = row.text("engine");
  const std::string engine = engine_name(cell);
  const std::string after = cell.substr(std::min(cell.size(), engine.size() + 1));
  std::string release = month_in(cell);
  if (release.empty() && lower(cell).starts_with(engine) && !after.empty() && is_digit(after[0])) {
    release = after.substr(0, after.find_first_of(" ,("));
  }
  if (release.empty()) release = month_in(row.text("notes"));
  const std::string words = engine + " " + (release.empty() ? otherwise : release);
  if (is_known(words, library)) return words;
  // Rows of Dynamo state the release of its container, not of the engine inside.
  const std::string month = month_in(row.text("notes"));
  if (row.text("mode") == "disagg" && !month.empty() && is_known(engine + " " + month, library)) {
    return engine + " " + month;
  }
  throw Skipped{fmt::format("no profile of {}", words)};
}

DtypePlan stated_dtypes(const std::string& weights, const std::string& kv, const ModelSpec& model) {
  DtypePlan dtypes;
  if (!weights.empty()) {
    dtypes.weights = dtypes.experts = format_named(weights);
    const bool four_bits = element_bytes(named_format(*dtypes.weights).dtype) < 1;
    if (four_bits && model.is_moe()) dtypes.weights = FormatName::kBf16;
  }
  const ModelSpec stored = in_formats(model, dtypes);
  const Dtype experts = main_format(stored).dtype;
  const bool narrow = experts == Dtype::kFp8 || experts == Dtype::kFp4;
  dtypes.kv = narrow ? Dtype::kFp8 : Dtype::kBf16;
  if (!kv.empty()) dtypes.kv = dtype_named(kv);
  dtypes.dispatch = usual_dispatch(stored);
  return dtypes;
}

double stated_power_limit(const TruthRow& row) {
  const std::string& cell = row.text("power_limit_w");
  if (cell.empty()) return 0;
  double watts = 0;
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), watts);
  const bool is_number = error == std::errc() && stop == cell.data() + cell.size();
  if (!is_number || !(watts > 0 && watts < 1e5)) throw Skipped{"power limit not stated in watts"};
  return watts;
}

}  // namespace moesim
