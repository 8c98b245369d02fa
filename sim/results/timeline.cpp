#include "sim/results/timeline.h"

#include <algorithm>

namespace moesim {

namespace {

constexpr std::int64_t kFewSteps = 8;
constexpr std::size_t kMostMarks = 20'000;

template <class T>
void drop_before(std::int64_t first, std::deque<T>& items) {
  std::erase_if(items, [first](const T& item) { return item.step < first; });
}

}  // namespace

// Host (twice, because it may outlast the step), weight moves, embedding, head, last wait. Per
// layer: attention, linear and two all-reduces; with experts also wait, dispatch, experts, wait,
// combine.
std::int64_t most_spans(const Deployment& deployment) {
  std::int64_t spans = 6;
  for (const LayerSpec& layer : deployment.model.layers) spans += layer.moe ? 9 : 4;
  return spans;
}

TimelineView fitting_view(const Deployment& deployment, const TimelineRequest& request) {
  const ParallelPlan& plan = deployment.plan;
  // An upper bound for every stage, which has at most all layers.
  const std::int64_t rank_steps = std::max<std::int64_t>(1, request.spans / most_spans(deployment));
  TimelineView view{request.steps, request.or_latest, plan.stage_ranks()};
  const auto cut_steps = [&](std::int64_t least) {
    const std::int64_t most = std::max(least, rank_steps / view.ranks);
    view.steps.last = std::min(view.steps.last, view.steps.first + most);
  };
  cut_steps(kFewSteps);
  if (view.ranks * view.steps.length() > rank_steps) {
    view.ranks = std::max<std::int64_t>(1, rank_steps / view.steps.length());
    const std::int64_t node = deployment.cluster.node.devices;
    if (view.ranks > node) view.ranks -= view.ranks % node;
  }
  cut_steps(1);
  return view;
}

Timeline::Timeline(const Deployment& deployment, const TimelineView& view)
    : view_(view), plan_(deployment.plan), role_(deployment.role) {}

bool Timeline::wants(std::int64_t step) {
  if (step >= view_.steps.last) return false;
  const std::int64_t first = view_.or_latest ? step + 1 - view_.steps.length() : view_.steps.first;
  drop_before(first, stage_steps_);
  drop_before(first, levels_);
  drop_before(first, transfers_);
  return step >= first;
}

SpanLog Timeline::make_log() const {
  const std::int64_t last = view_.ranks - 1;
  return {last / plan_.tp + 1, last * plan_.ep / plan_.stage_ranks() + 1};
}

bool Timeline::concerns(const StepSpan& span, std::int64_t rank) const {
  return span.member == (span.of_group ? rank * plan_.ep / plan_.stage_ranks() : rank / plan_.tp);
}

void RequestMarks::add(RequestMark::Kind kind, Seconds time, std::int64_t requests) {
  if (requests == 0) return;
  marks_.push_back({kind, time, requests});
  if (marks_.size() > kMostMarks) marks_.pop_front();
}

bool CaseTimeline::complete() const {
  return std::all_of(pools.begin(), pools.end(), [](const Timeline& t) { return t.complete(); });
}

}  // namespace moesim
