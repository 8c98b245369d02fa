// The format of a trace: how a row tells a request.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hardware/spec/variation.h"
#include "scenarios/format/keys/workload_keys.h"
#include "scenarios/format/trace/trace_requests.h"
#include "scenarios/format/trace/trace_row.h"

namespace moesim {

class TraceFormat {
 public:
  virtual ~TraceFormat() = default;

  // Adds the request of a row, or leaves it out, or adds faults.
  virtual void read(const TraceRow& row, TraceRequests& to) = 0;

  virtual bool has_times() const { return true; }
  // Whether rows stand in order of time.
  virtual bool is_sorted() const { return true; }
  // How tokens were counted where the trace does not state them; empty where it does.
  virtual std::string estimate() const { return ""; }
  // What else to say of what was read, sentences without their point.
  virtual std::vector<std::string> notes() const { return {}; }
};

// A format that is told by its columns.
struct PublishedFormat {
  std::string name;
  std::vector<std::string> marks;  // Columns that its rows have and no format before it.
  std::unique_ptr<TraceFormat> (*make)(const TracePart&, const Variation&);
};

}  // namespace moesim
