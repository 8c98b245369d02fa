#include "scenarios/format/trace/column_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

namespace moesim {
namespace {

constexpr std::array<const char*, 7> kServed = {"ok",        "success", "succeeded", "successful",
                                                "completed", "true",    "finished"};
constexpr std::array<const char*, 8> kFailed = {"error",     "failed",   "failure", "false",
                                                "cancelled", "canceled", "timeout", "aborted"};

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return text;
}

// An HTTP status of three digits, the first of them given.
bool is_http(const std::string& text, char first, char last) {
  return text.size() == 3 && text[0] >= first && text[0] <= last &&
         std::isdigit(static_cast<unsigned char>(text[1])) != 0 &&
         std::isdigit(static_cast<unsigned char>(text[2])) != 0;
}

std::string status_of(const TraceRow& row, const std::string& column) {
  const nlohmann::json* value = row.find(column);
  if (value == nullptr || value->is_structured()) return "";
  return lower_case(value->is_string() ? value->get<std::string>() : value->dump());
}

std::optional<LeftOut> by_status(const TraceRow& row, const std::string& column) {
  const std::string status = status_of(row, column);
  if (std::ranges::count(kServed, status) > 0 || is_http(status, '2', '2')) return std::nullopt;
  if (std::ranges::count(kFailed, status) > 0 || is_http(status, '3', '5')) {
    return LeftOut::kFailed;
  }
  row.fault(column,
            "a status expected: 200 to 299, ok, success, succeeded, completed, finished or true; "
            "300 to 599, error, failed, false, cancelled, timeout or aborted for failed rows");
  return std::nullopt;
}

}  // namespace

void ColumnFormat::read(const TraceRow& row, TraceRequests& to) {
  if (layout_.leave_out) {
    if (const auto reason = layout_.leave_out(row)) {
      to.leave_out(*reason);
      return;
    }
  }
  const auto output = row.tokens(layout_.output_tokens, 0);
  if (output == 0) {
    to.leave_out(LeftOut::kFailed);
    return;
  }
  const auto seconds = layout_.arrival ? layout_.arrival->seconds(row) : 0.0;
  const auto input = row.tokens(layout_.input_tokens, 1);
  if (seconds && input && output) to.add(row.line(), *seconds, *input, *output);
}

std::unique_ptr<TraceFormat> named_columns(const TracePart& part) {
  const TraceColumns& columns = *part.columns;
  ColumnLayout layout{{}, columns.input_tokens, columns.output_tokens};
  if (!columns.timestamp.empty()) {
    layout.arrival = part.time_unit ? ArrivalReader(columns.timestamp, *part.time_unit, false)
                                    : ArrivalReader(columns.timestamp);
  }
  if (!columns.status.empty()) {
    layout.leave_out = [column = columns.status](const TraceRow& row) {
      return by_status(row, column);
    };
  }
  return std::make_unique<ColumnFormat>(std::move(layout));
}

bool has_columns(const TraceColumns& columns, const TraceRow& first) {
  if (!first.is_text()) return true;
  bool all = true;
  for (const std::string& name :
       {columns.timestamp, columns.input_tokens, columns.output_tokens, columns.status}) {
    if (name.empty() || first.peek(name) != nullptr) continue;
    all = false;
    first.fault(name, "no such column", "one of this file's columns expected: " + first.names());
  }
  return all;
}

}  // namespace moesim
