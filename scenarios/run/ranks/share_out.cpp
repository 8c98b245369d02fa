#include "scenarios/run/ranks/share_out.h"

#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/input_error.h"
#include "scenarios/run/ranks/protocol.h"

namespace moesim {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr std::chrono::seconds kSilence{60};  // A rank sends a sign of life every two seconds.

std::string scenario_message(const Scenario& scenario, std::size_t count, int at_once) {
  Json settings = Json::array();
  for (const Setting& setting : scenario.settings)
    settings.push_back({setting.path, setting.value});
  const Json json = {{"file", scenario.file}, {"text", scenario.text}, {"settings", settings},
                     {"seed", scenario.seed}, {"count", count},        {"at_once", at_once}};
  return message::kScenario + json.dump();
}

std::string job_message(std::size_t number, const Job& job) {
  const Json json = {number, job.row, job.twin, job.sample, job.samples, job.details};
  return message::kJob + json.dump();
}

// State of another rank on rank 0.
struct Helper {
  bool lost = false;
  std::set<std::size_t> given;  // Jobs without a result yet.
  Clock::time_point heard = Clock::now();
};

class Sharing {
 public:
  Sharing(Ranks& ranks, const std::vector<Job>& todo, const ChildJobs& jobs)
      : ranks_(ranks),
        todo_(todo),
        jobs_(jobs),
        helpers_(static_cast<std::size_t>(ranks.size())),
        is_done_(todo.size(), false),
        losses_(todo.size(), 0) {
    for (std::size_t i = 0; i < todo.size(); ++i) queue_.push_back(i);
    helpers_[0].lost = true;  // Rank 0 takes its jobs from next().
  }

  NextJob next() {
    while (!queue_.empty() && is_done_[queue_.front()]) queue_.pop_front();
    if (!queue_.empty()) {
      const std::size_t job = queue_.front();
      queue_.pop_front();
      return {NextJob::Kind::kJob, job};
    }
    for (const Helper& helper : helpers_) {
      if (!helper.given.empty()) return {NextJob::Kind::kWait};
    }
    return {NextJob::Kind::kEnd};
  }

  void turn() {
    while (const auto frame = ranks_.receive()) hear(*frame);
    if (ranks_.is_alone()) throw std::runtime_error("the MPI relay of this rank is gone");
    for (std::size_t rank = 1; rank < helpers_.size(); ++rank) {
      Helper& helper = helpers_[rank];
      if (!helper.lost && Clock::now() - helper.heard > kSilence) lose(helper, rank);
      feed(helper, static_cast<int>(rank));
    }
  }

  // Takes a result from any rank; of a job that was given twice, the first.
  void finish(std::size_t job, const std::string& text) {
    if (is_done_[job]) return;
    is_done_[job] = true;
    jobs_.finished(job, text);
  }

  void fail(std::size_t job, std::exception_ptr why) {
    if (is_done_[job]) return;
    is_done_[job] = true;
    jobs_.failed(job, std::move(why));
  }

  void count_remote(std::size_t job) {
    if (!is_done_[job]) ++remote_;
  }
  std::size_t remote() const { return remote_; }

 private:
  void hear(const Frame& frame) {
    Helper& helper = helpers_.at(static_cast<std::size_t>(frame.rank));
    helper.heard = Clock::now();
    const std::string text = frame.text.substr(std::min<std::size_t>(1, frame.text.size()));
    switch (frame.text.empty() ? message::kAlive : frame.text[0]) {
      case message::kResult:
      case message::kFailed: {
        const std::size_t space = text.find(' ');
        const std::size_t job = std::stoul(text.substr(0, space));
        helper.given.erase(job);
        count_remote(job);
        if (frame.text[0] == message::kResult) {
          finish(job, text.substr(space + 1));
        } else {
          fail(job, std::make_exception_ptr(std::runtime_error(text.substr(space + 1))));
        }
        break;
      }
      case message::kFault:
        throw std::runtime_error(text);
      case message::kLost:
        lose(helper, static_cast<std::size_t>(frame.rank));
        break;
      default:
        break;
    }
  }

  // Puts its jobs back to the front of the queue.
  void lose(Helper& helper, std::size_t rank) {
    if (helper.lost) return;
    helper.lost = true;
    ranks_.send(kRelay, "lost");
    fmt::print(stderr, "moesim: rank {} is lost; the others take over its {} simulations\n", rank,
               helper.given.size());
    for (const std::size_t job : helper.given) {
      if (++losses_[job] > 1) {
        fail(job, std::make_exception_ptr(std::runtime_error(
                      "the simulation took two ranks with it; was memory short?")));
      } else {
        queue_.push_front(job);
      }
    }
    helper.given.clear();
  }

  // Gives it one job more than it can run at once, so that it need not wait, unless few are left.
  void feed(Helper& helper, int rank) {
    const bool plenty =
        queue_.size() > 4 * helpers_.size() * static_cast<std::size_t>(jobs_.at_once);
    const int most = jobs_.at_once + (plenty ? 1 : 0);
    while (!helper.lost && std::ssize(helper.given) < most) {
      const NextJob found = next();
      if (found.kind != NextJob::Kind::kJob) return;
      helper.given.insert(found.job);
      ranks_.send(rank, job_message(found.job, todo_[found.job]));
    }
  }

  Ranks& ranks_;
  const std::vector<Job>& todo_;
  const ChildJobs& jobs_;
  std::vector<Helper> helpers_;  // By rank.
  std::deque<std::size_t> queue_;
  std::vector<bool> is_done_;
  std::vector<int> losses_;
  std::size_t remote_ = 0;
};

void tell_all(Ranks& ranks, const std::string& text) {
  for (int rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, text);
}

}  // namespace

bool share_out(Ranks& ranks, const Scenario& scenario, const std::vector<Job>& todo,
               const ChildJobs& jobs) {
  tell_all(ranks, scenario_message(scenario, todo.size(), jobs.at_once));
  Sharing sharing(ranks, todo, jobs);
  ChildJobs own = jobs;
  own.next = [&] { return sharing.next(); };
  own.turn = [&] { sharing.turn(); };
  own.wake = ranks.descriptor();
  own.finished = [&](std::size_t job, const std::string& text) { sharing.finish(job, text); };
  own.failed = [&](std::size_t job, std::exception_ptr why) { sharing.fail(job, std::move(why)); };
  own.progress = [&](double share, std::size_t finished) {
    const double remote = static_cast<double>(sharing.remote());
    const double count = std::max(1.0, static_cast<double>(todo.size()));
    jobs.progress(share + remote / count, finished + sharing.remote());
  };
  const bool finished = run_children(own);
  tell_all(ranks, std::string(1, message::kDone));
  return finished;
}

void dismiss(Ranks& ranks) {
  tell_all(ranks, std::string(1, message::kStop));
}

}  // namespace moesim
