#include "scenarios/format/trace/published_formats.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "scenarios/format/trace/column_format.h"
#include "scenarios/format/trace/sharegpt.h"

namespace moesim {
namespace {

std::unique_ptr<TraceFormat> format_of(ColumnLayout layout) {
  return std::make_unique<ColumnFormat>(std::move(layout));
}

std::unique_ptr<TraceFormat> azure(const TracePart&, const Variation&) {
  return format_of({ArrivalReader("TIMESTAMP"), "ContextTokens", "GeneratedTokens"});
}

std::unique_ptr<TraceFormat> burst_gpt(const TracePart&, const Variation&) {
  return format_of(
      {ArrivalReader("Timestamp", TimeUnit::kSeconds, false), "Request tokens", "Response tokens"});
}

std::unique_ptr<TraceFormat> bailian(const TracePart&, const Variation&) {
  return format_of(
      {ArrivalReader("timestamp", TimeUnit::kSeconds, false), "input_length", "output_length"});
}

std::unique_ptr<TraceFormat> mooncake(const TracePart&, const Variation&) {
  return format_of(
      {ArrivalReader("timestamp", TimeUnit::kMilliseconds, true), "input_length", "output_length"});
}

std::optional<LeftOut> left_out_of_aiperf(const TraceRow& row) {
  const nlohmann::json* phase = row.find("metadata.benchmark_phase");
  const nlohmann::json* cancelled = row.find("metadata.was_cancelled");
  if (phase != nullptr && *phase == "warmup") return LeftOut::kWarmUp;
  const bool failed = row.find("error") != nullptr || (cancelled != nullptr && *cancelled == true);
  return failed ? std::optional(LeftOut::kFailed) : std::nullopt;
}

std::unique_ptr<TraceFormat> aiperf(const TracePart&, const Variation&) {
  return format_of({ArrivalReader("metadata.request_start_ns", TimeUnit::kNanoseconds, true),
                    "metrics.input_sequence_length.value", "metrics.output_sequence_length.value",
                    left_out_of_aiperf, false});
}

std::unique_ptr<TraceFormat> share_gpt(const TracePart& part, const Variation& variation) {
  return std::make_unique<ShareGpt>(part.characters_per_token, variation);
}

// A later one may have the marks of an earlier one, and further columns are no matter.
const std::vector<PublishedFormat>& formats() {
  static const std::vector<PublishedFormat> kFormats = {
      {"Azure", {"TIMESTAMP", "ContextTokens", "GeneratedTokens"}, azure},
      {"BurstGPT", {"Timestamp", "Request tokens", "Response tokens"}, burst_gpt},
      {"Qwen-Bailian", {"chat_id", "timestamp", "input_length", "output_length"}, bailian},
      {"Mooncake", {"timestamp", "input_length", "output_length"}, mooncake},
      {"AIPerf", {"metadata.request_start_ns", "metrics"}, aiperf},
      {"ShareGPT", {"conversations"}, share_gpt}};
  return kFormats;
}

}  // namespace

std::unique_ptr<TraceFormat> published_format(const TraceRow& first, const TracePart& part,
                                              const Variation& variation) {
  for (const PublishedFormat& format : formats()) {
    if (std::ranges::all_of(format.marks,
                            [&](const auto& mark) { return first.peek(mark) != nullptr; })) {
      return format.make(part, variation);
    }
  }
  return nullptr;
}

std::string published_columns() {
  std::string text;
  for (const PublishedFormat& format : formats()) {
    text += (text.empty() ? "" : "; ") + comma_list(format.marks) + " (" + format.name + ")";
  }
  return text;
}

}  // namespace moesim
