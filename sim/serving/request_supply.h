// The requests of a workload in their order, those that it draws on demand included.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "sim/deployment/workload.h"

namespace moesim {

class RequestSupply {
 public:
  // Keeps a reference. Ends after `most` requests.
  RequestSupply(const Workload& workload, std::int64_t most)
      : workload_(workload), more_(workload.more), most_(most) {
    advance();
  }

  // The next request; nothing when there is no more.
  const std::optional<Request>& next() const { return next_; }
  // Requires: there is a next one.
  Request take() {
    const Request request = *next_;
    advance();
    return request;
  }

 private:
  void advance() {
    const auto listed = static_cast<std::int64_t>(workload_.requests.size());
    next_.reset();
    if (taken_ >= most_) return;
    if (taken_ < listed) {
      next_ = workload_.requests[static_cast<std::size_t>(taken_)];
    } else if (more_) {
      next_ = more_();
    }
    ++taken_;
  }

  const Workload& workload_;
  std::function<Request()> more_;
  std::int64_t most_ = 0;
  std::int64_t taken_ = 0;  // From the workload; one more than were handed out.
  std::optional<Request> next_;
};

}  // namespace moesim
