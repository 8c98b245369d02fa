// Collects the requests of a trace and counts the rows that are none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/router/recorded/input_file.h"
#include "sim/deployment/workload.h"

namespace moesim {

// Why a row is no request.
enum class LeftOut { kFailed, kWarmUp, kUnanswered };

class TraceRequests {
 public:
  // `limit` keeps the first requests only, 0 = all; `sorted`: rows stand in order of time,
  // otherwise they are sorted.
  TraceRequests(std::int64_t limit, bool sorted, FileFaults& faults)
      : limit_(limit), sorted_(sorted), faults_(faults) {}

  bool wants_more() const;
  // `seconds` since any fixed moment; 0 in a trace without times.
  void add(std::int64_t line, double seconds, std::int64_t input, std::int64_t output);
  void leave_out(LeftOut reason) {
    ++rows_;
    ++left_out_[reason];
  }

  // Arrivals count from the first request. Adds a fault if there is none.
  std::vector<Request> finish();
  // "24 of 1000 rows left out (failed)", one per reason.
  std::vector<std::string> notes() const;

 private:
  std::int64_t limit_;
  bool sorted_;
  FileFaults& faults_;
  std::optional<double> first_{};
  std::vector<Request> requests_{};
  std::int64_t rows_ = 0;
  std::map<LeftOut, std::int64_t> left_out_{};
};

}  // namespace moesim
