#include "scenarios/format/trace/trace_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/quantity.h"

namespace moesim {
namespace {

// In the order of LeftOut.
constexpr std::array<const char*, 3> kReasons = {"failed", "warm-up", "no answer"};
static_assert(kReasons.size() == static_cast<std::size_t>(LeftOut::kUnanswered) + 1);

}  // namespace

bool TraceRequests::wants_more() const {
  return limit_ == 0 || !sorted_ || std::ssize(requests_) < limit_;
}

void TraceRequests::add(std::int64_t line, double seconds, std::int64_t input,
                        std::int64_t output) {
  ++rows_;
  if (!first_) first_ = seconds;
  const Seconds arrival(seconds - *first_);
  if (sorted_ && !requests_.empty() && arrival < requests_.back().arrival) {
    faults_.add(line, "", fmt::format("{} s after the first request", arrival.value()),
                "rows must be in order of time");
    return;
  }
  requests_.push_back({arrival, input, output});
}

std::vector<Request> TraceRequests::finish() {
  if (requests_.empty() && faults_.empty()) {
    const std::vector<std::string> all = notes();
    faults_.add(0, "", all.empty() ? "" : all.front(), "the trace holds no requests");
  }
  if (!sorted_) {
    std::stable_sort(requests_.begin(), requests_.end(),
                     [](const Request& a, const Request& b) { return a.arrival < b.arrival; });
    const Seconds first = requests_.empty() ? Seconds(0) : requests_.front().arrival;
    for (Request& request : requests_) request.arrival = request.arrival - first;
    if (limit_ > 0 && std::ssize(requests_) > limit_) {
      requests_.resize(static_cast<std::size_t>(limit_));
    }
  }
  return std::move(requests_);
}

std::vector<std::string> TraceRequests::notes() const {
  std::vector<std::string> notes;
  for (const auto& [reason, count] : left_out_) {
    notes.push_back(fmt::format("{} of {} rows left out ({})", thousands(count), thousands(rows_),
                                kReasons[static_cast<std::size_t>(reason)]));
  }
  return notes;
}

}  // namespace moesim
