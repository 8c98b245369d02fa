#include "scenarios/format/trace.h"

#include <fmt/format.h>
// g++ 12 minds how the library cuts file names of over 255 characters for its messages.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-truncation"
#include <libfccp/csv.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <boost/date_time/posix_time/posix_time.hpp>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/document.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxTokens = 10'000'000;
constexpr std::int64_t kMaxMilliseconds = 1'000'000'000'000;  // Thirty years.
constexpr std::size_t kMaxFaults = 20;

// Collects requests and their faults, checks what both formats have in common.
class TraceBuilder {
 public:
  TraceBuilder(std::string file, std::int64_t limit) : file_(std::move(file)), limit_(limit) {}

  bool wants_more() const {
    return faults_.all().size() < kMaxFaults && (limit_ == 0 || std::ssize(requests_) < limit_);
  }
  void fault(int line, const std::string& column, const std::string& value,
             const std::string& allowed) {
    faults_.add({file_, line, column, value, allowed});
  }
  // Seconds since any fixed moment.
  void add(int line, double seconds, std::int64_t input, std::int64_t output) {
    if (requests_.empty()) first_ = seconds;
    const Seconds arrival(seconds - first_);
    if (!requests_.empty() && arrival < requests_.back().arrival) {
      fault(line, "", fmt::format("{} s after the first request", arrival.value()),
            "rows must be in order of time");
      return;
    }
    requests_.push_back({arrival, input, output});
  }
  std::vector<Request> finish() {
    if (requests_.empty() && faults_.empty()) fault(0, "", "", "the trace holds no requests");
    faults_.throw_if_any();
    return std::move(requests_);
  }

 private:
  std::string file_;
  std::int64_t limit_;
  double first_ = 0;
  std::vector<Request> requests_;
  Faults faults_;
};

std::optional<std::int64_t> token_count(const std::string& text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || count < 1 || count > kMaxTokens) return std::nullopt;
  return count;
}

const char* const kTokensAllowed = "a whole number of tokens from 1 to 10000000 expected";

// "YYYY-MM-DD hh:mm:ss", with a fraction or without; Boost also takes hours of 25 and fewer parts.
bool looks_like_time(const std::string& text) {
  constexpr std::string_view kShape = "dddd-dd-dd dd:dd:dd";
  if (text.size() < kShape.size()) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return false;
  }
  if (text.substr(11, 2) > "23" || text[14] > '5' || text[17] > '5') return false;
  if (text.size() == kShape.size()) return true;
  return text[kShape.size()] == '.' &&
         std::all_of(text.begin() + kShape.size() + 1, text.end(), is_digit);
}

// Seconds since 1970 of "YYYY-MM-DD hh:mm:ss.fffffff".
std::optional<double> timestamp_seconds(const std::string& text) {
  if (!looks_like_time(text)) return std::nullopt;
  try {
    const auto time = boost::posix_time::time_from_string(text.substr(0, 26));
    if (time.is_special()) return std::nullopt;
    const boost::posix_time::ptime epoch(boost::gregorian::date(1970, 1, 1));
    return static_cast<double>((time - epoch).total_microseconds()) * 1e-6;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void read_csv_row(const std::string& time, const std::string& input, const std::string& output,
                  int line, TraceBuilder& trace) {
  const auto seconds = timestamp_seconds(time);
  const auto input_tokens = token_count(input);
  const auto output_tokens = token_count(output);
  if (!seconds) {
    trace.fault(line, "TIMESTAMP", time, "a time such as 2023-11-16 18:17:03.9799600 expected");
  }
  if (!input_tokens) trace.fault(line, "ContextTokens", input, kTokensAllowed);
  if (!output_tokens) trace.fault(line, "GeneratedTokens", output, kTokensAllowed);
  if (seconds && input_tokens && output_tokens) {
    trace.add(line, *seconds, *input_tokens, *output_tokens);
  }
}

void read_csv(const std::string& file, TraceBuilder& trace) {
  try {
    io::CSVReader<3, io::trim_chars<' ', '\t', '\r'>, io::double_quote_escape<',', '"'>,
                  io::throw_on_overflow, io::empty_line_comment>
        rows(file);
    rows.read_header(io::ignore_extra_column, "TIMESTAMP", "ContextTokens", "GeneratedTokens");
    std::string time, input, output;
    while (trace.wants_more()) {
      try {
        if (!rows.read_row(time, input, output)) break;
      } catch (const io::error::line_length_limit_exceeded&) {
        trace.fault(static_cast<int>(rows.get_file_line()), "", "", "the line is too long");
        return;
      } catch (const io::error::base&) {
        trace.fault(static_cast<int>(rows.get_file_line()), "", "",
                    "three columns TIMESTAMP,ContextTokens,GeneratedTokens expected");
        continue;
      }
      read_csv_row(time, input, output, static_cast<int>(rows.get_file_line()), trace);
    }
  } catch (const io::error::base&) {
    trace.fault(1, "", "", "the header TIMESTAMP,ContextTokens,GeneratedTokens expected");
  }
}

// Never a list or a map, which may be nested without end.
std::string shown(const nlohmann::json& value) {
  return value.is_structured() ? value.is_array() ? "a list" : "a map" : value.dump();
}

void read_json_line(const std::string& text, int line, TraceBuilder& trace) {
  const auto row = nlohmann::json::parse(text, nullptr, false);
  if (!row.is_object()) {
    trace.fault(line, "", "", "one JSON object per line expected");
    return;
  }
  const auto count = [&](const char* key, std::int64_t min,
                         std::int64_t max) -> std::optional<std::int64_t> {
    const auto found = row.find(key);
    if (found != row.end() && found->is_number_integer()) {
      const auto number = found->get<std::int64_t>();
      if (number >= min && number <= max) return number;
    }
    trace.fault(line, key, found == row.end() ? "missing" : shown(*found),
                fmt::format("a whole number from {} to {} expected", min, max));
    return std::nullopt;
  };
  const auto time = count("timestamp", 0, kMaxMilliseconds);
  const auto input = count("input_length", 1, kMaxTokens);
  const auto output = count("output_length", 1, kMaxTokens);
  if (time && input && output) {
    trace.add(line, static_cast<double>(*time) * 1e-3, *input, *output);
  }
}

void read_jsonl(const std::string& file, TraceBuilder& trace) {
  std::ifstream in(file);
  std::string text;
  for (int line = 1; trace.wants_more() && std::getline(in, text); ++line) {
    if (!text.empty()) read_json_line(text, line, trace);
  }
}

}  // namespace

std::vector<Request> read_trace(const std::string& file, std::int64_t limit) {
  if (read_file(file).empty()) throw InputError({{file, 0, "", "", "the file is empty"}});
  TraceBuilder trace(file, limit);
  if (file.ends_with(".csv")) {
    read_csv(file, trace);
  } else if (file.ends_with(".jsonl")) {
    read_jsonl(file, trace);
  } else {
    trace.fault(0, "", "", "a trace ends in .csv (Azure columns) or .jsonl (Mooncake)");
  }
  return trace.finish();
}

}  // namespace moesim
