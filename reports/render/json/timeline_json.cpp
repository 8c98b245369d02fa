#include "reports/render/json/timeline_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

namespace moesim {
namespace {

constexpr std::int64_t kIdsPerCase = 1'000'000;  // More than any case has nodes.

std::string quoted(const std::string& text) {
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  return nlohmann::json(text).dump(-1, ' ', false, kReplace);
}

// Dates are whole nanoseconds, so that what begins where something ends does so in the file too.
std::int64_t nanoseconds(Seconds time) {
  return std::llround(time.value() * 1e9);
}

std::string_view mark_name(RequestMark::Kind kind) {
  switch (kind) {
    case RequestMark::Kind::kArrived:
      return "arrival";
    case RequestMark::Kind::kRejected:
      return "rejected";
    case RequestMark::Kind::kFirstToken:
      return "first token";
    case RequestMark::Kind::kEnded:
      break;
  }
  return "end";
}

class Writer {
 public:
  Writer(std::string name, const Deployment& deployment, std::int64_t index, std::size_t most)
      : name_(std::move(name)),
        per_node_(deployment.cluster.node.devices),
        first_id_((index + 1) * kIdsPerCase),
        most_(most) {}

  void write(const Timeline& timeline) {
    const std::string pool = timeline.role() == PoolRole::kPrefill  ? "prefill "
                             : timeline.role() == PoolRole::kDecode ? "decode "
                                                                    : "";
    name_threads(timeline, pool);
    for (const Timeline::Level& level : timeline.levels()) write(level, pool);
    for (const Timeline::Transfer& transfer : timeline.transfers()) write(transfer);
    for (const Timeline::StageStep& step : timeline.stage_steps()) {
      for (std::int64_t r = 0; r < timeline.view().ranks; ++r) write(timeline, step, r);
    }
  }

  // Of the time that the steps cover.
  void write(const RequestMarks& requests, Seconds begin, Seconds end) {
    name_requests();
    for (const RequestMark& mark : requests.marks()) {
      if (mark.time < begin || mark.time > end) continue;
      add(fmt::format(
          R"({{"ph":"i","pid":{},"tid":0,"ts":{},"s":"p","name":"{}","args":{{"requests":{}}}}})",
          first_id_, microseconds(nanoseconds(mark.time)), mark_name(mark.kind), mark.requests));
    }
  }

  bool is_cut() const { return cut_; }
  std::string take() { return std::move(text_); }

 private:
  static std::string microseconds(std::int64_t ns) {
    return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
  }
  // Process 0 of a case is for what concerns all its devices.
  std::int64_t process(std::int64_t device) const { return first_id_ + 1 + device / per_node_; }

  void add(std::string_view event) {
    cut_ = cut_ || text_.size() + event.size() + 2 > most_;
    if (cut_) return;
    if (!text_.empty()) text_ += ",\n";
    text_ += event;
  }

  void name_process(std::int64_t pid, const std::string& name, std::int64_t order) {
    add(fmt::format(
        R"({{"ph":"M","pid":{},"tid":0,"ts":0,"name":"process_name","args":{{"name":{}}}}})", pid,
        quoted(name)));
    add(fmt::format(R"({{"ph":"M","pid":{},"tid":0,"ts":0,"name":"process_sort_index",)"
                    R"("args":{{"sort_index":{}}}}})",
                    pid, order));
  }

  void name_requests() { name_process(first_id_, name_ + " / requests", first_id_); }

  void name_threads(const Timeline& timeline, const std::string& pool) {
    std::set<std::int64_t> stages;
    for (const Timeline::StageStep& step : timeline.stage_steps()) {
      if (!stages.insert(step.stage).second) continue;
      for (std::int64_t r = 0; r < timeline.view().ranks; ++r) {
        const std::int64_t device = step.first_device + r;
        const std::int64_t pid = process(device);
        if (nodes_.insert(pid).second) {
          name_process(pid, fmt::format("{} / node {}", name_, device / per_node_), pid);
        }
        const std::string rank = timeline.plan().pp > 1
                                     ? fmt::format("{}stage {} rank {}", pool, step.stage, r)
                                     : fmt::format("{}rank {}", pool, r);
        add(fmt::format(
            R"({{"ph":"M","pid":{},"tid":{},"ts":0,"name":"thread_name","args":{{"name":"{}"}}}})",
            pid, device + 1, rank));
      }
    }
  }

  void counter(Seconds time, const std::string& name, std::string_view what, std::int64_t value) {
    add(fmt::format(R"({{"ph":"C","pid":{},"tid":0,"ts":{},"name":"{}","args":{{"{}":{}}}}})",
                    first_id_, microseconds(nanoseconds(time)), name, what, value));
  }

  void write(const Timeline::Level& level, const std::string& pool) {
    counter(level.time, pool + "requests running", "requests", level.running);
    counter(level.time, pool + "requests waiting", "requests", level.waiting);
    counter(level.time, pool + "KV blocks in use", "blocks", level.kv_blocks);
  }

  // Stages work on while activations travel: an asynchronous event of the sending node. Ids hold
  // for the whole file.
  void write(const Timeline::Transfer& transfer) {
    const auto edge = [&](char phase, Seconds time) {
      add(fmt::format(
          R"({{"ph":"{}","cat":"pipeline","id":{},"pid":{},"tid":{},"ts":{},"name":"to stage {}"}})",
          phase, first_id_ + transfers_, process(transfer.first_device), transfer.first_device + 1,
          microseconds(nanoseconds(time)), transfer.stage + 1));
    };
    ++transfers_;
    edge('b', transfer.begin);
    edge('e', transfer.end);
  }

  void span(std::int64_t device, std::int64_t begin, std::int64_t end, std::string_view name,
            const std::string& args) {
    if (end <= begin) return;
    add(fmt::format(R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":"{}","args":{{{}}}}})",
                    process(device), device + 1, microseconds(begin), microseconds(end - begin),
                    name, args));
  }

  void write(const Timeline& timeline, const Timeline::StageStep& step, std::int64_t rank) {
    const std::int64_t device = step.first_device + rank;
    span(device, nanoseconds(step.begin), nanoseconds(step.begin + step.time),
         fmt::format("step {}", step.step),
         fmt::format(R"("prompt_tokens":{},"decode_tokens":{})", step.prompt_tokens,
                     step.decode_tokens));
    for (const StepSpan& part : step.spans) {
      if (!timeline.concerns(part, rank)) continue;
      span(device, nanoseconds(step.begin + part.begin), nanoseconds(step.begin + part.end),
           phase_name(part.phase), part.layer < 0 ? "" : fmt::format(R"("layer":{})", part.layer));
    }
  }

  std::string name_;
  std::int64_t per_node_;
  std::int64_t first_id_;
  std::size_t most_;
  std::set<std::int64_t> nodes_;  // Processes that have their name; pools may share a node.
  std::int64_t transfers_ = 0;
  bool cut_ = false;
  std::string text_;
};

nlohmann::ordered_json shown(const Timeline& timeline, const TimelineRequest& request) {
  const ParallelPlan& plan = timeline.plan();
  nlohmann::ordered_json json;
  if (timeline.role() != PoolRole::kAll) {
    json["pool"] = timeline.role() == PoolRole::kPrefill ? "prefill" : "decode";
  }
  json["replica"] = 0;
  json["replicas"] = plan.replicas;
  if (!timeline.stage_steps().empty()) {
    const auto [first, last] =
        std::minmax_element(timeline.stage_steps().begin(), timeline.stage_steps().end(),
                            [](const auto& a, const auto& b) { return a.step < b.step; });
    json["first_step"] = first->step;
    json["last_step"] = last->step;
  }
  json["ranks_per_stage"] = plan.stage_ranks();
  json["ranks_shown"] = timeline.view().ranks;
  std::string note;
  if (timeline.view().steps.length() < request.steps.length()) {
    note += fmt::format("fewer than the {} steps wanted, to keep the file small; ",
                        request.steps.length());
  }
  if (timeline.view().ranks < plan.stage_ranks()) {
    note += "the first ranks of each stage only, to keep the file small; ";
  }
  if (timeline.stage_steps().empty()) {
    note += fmt::format("the run ended before step {}; ", request.steps.first);
  } else if (!timeline.complete()) {
    note += "the run ended before the window did; ";
  }
  if (!note.empty()) json["note"] = note.substr(0, note.size() - 2);
  return json;
}

}  // namespace

TraceCase trace_case(const std::string& name, const CaseTimeline& timeline,
                     const TimelineRequest& request, const Deployment& deployment,
                     std::int64_t index, std::size_t most_bytes) {
  Writer writer(name, deployment, index, most_bytes);
  nlohmann::ordered_json json = {{"case", name}, {"pools", nlohmann::ordered_json::array()}};
  bool any = false;
  Seconds begin, end;
  for (const Timeline& pool : timeline.pools) {
    json["pools"].push_back(shown(pool, request));
    for (const Timeline::StageStep& step : pool.stage_steps()) {
      begin = any ? std::min(begin, step.begin) : step.begin;
      end = std::max(end, step.begin + step.time);
      any = true;
    }
  }
  if (any) writer.write(timeline.requests, begin, end);
  for (const Timeline& pool : timeline.pools) writer.write(pool);
  if (writer.is_cut()) json["note"] = "cut off where the file would have grown too large";
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  return {writer.take(), json.dump(-1, ' ', false, kReplace)};
}

std::string trace_json(const std::vector<TraceCase>& cases, nlohmann::ordered_json context) {
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  context["cases"] = nlohmann::ordered_json::array();
  for (const TraceCase& trace : cases)
    context["cases"].push_back(nlohmann::ordered_json::parse(trace.shown));
  std::string text = R"({"displayTimeUnit":"ms",)"
                     "\n\"otherData\":" +
                     context.dump(1, ' ', false, kReplace) + ",\n\"traceEvents\":[\n";
  bool first = true;
  for (const TraceCase& trace : cases) {
    if (trace.events.empty()) continue;
    if (!first) text += ",\n";
    text += trace.events;
    first = false;
  }
  return text + "\n]}\n";
}

}  // namespace moesim
