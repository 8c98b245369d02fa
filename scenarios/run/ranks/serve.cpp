// The work of every rank except rank 0.
#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>

#include "scenarios/run/ranks/protocol.h"
#include "scenarios/run/ranks/share_out.h"

namespace moesim {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr std::chrono::seconds kSignOfLife{2};

std::string words_of(std::exception_ptr why) {
  try {
    std::rethrow_exception(std::move(why));
  } catch (const std::exception& error) {
    return error.what();
  }
}

class Worker {
 public:
  Worker(Ranks& ranks, const Json& task) : ranks_(ranks) {
    scenario_.file = task.at("file");
    scenario_.text = task.at("text");
    scenario_.seed = task.at("seed");
    for (const auto& pair : task.at("settings")) {
      scenario_.settings.push_back({pair[0], pair[1]});
    }
    scenario_.source = open_source(scenario_.text, scenario_.file, scenario_.settings);
    count_ = task.at("count");
    at_once_ = task.at("at_once");
    todo_.resize(count_);
  }

  // Returns false when there is nothing more to serve.
  bool run() {
    ChildJobs jobs;
    jobs.count = count_;
    jobs.at_once = at_once_;
    jobs.wake = ranks_.descriptor();
    jobs.turn = [&] { turn(); };
    jobs.next = [&] { return next(); };
    jobs.work = [&](std::size_t i, const ProgressSink& progress) {
      return simulate_again(scenario_, todo_[i], progress);
    };
    jobs.finished = [&](std::size_t i, const std::string& text) {
      ranks_.send(0, message::kResult + std::to_string(i) + " " + text);
    };
    jobs.failed = [&](std::size_t i, std::exception_ptr why) {
      ranks_.send(0, message::kFailed + std::to_string(i) + " " + words_of(why));
    };
    return run_children(jobs) && !stopped_;
  }

 private:
  void turn() {
    while (const auto frame = ranks_.receive()) {
      const std::string& text = frame->text;
      const char kind = text.empty() ? message::kStop : text[0];
      if (kind == message::kJob) add(Json::parse(text.substr(1)));
      ended_ = ended_ || kind == message::kDone || kind == message::kStop;
      stopped_ = stopped_ || kind == message::kStop;
    }
    stopped_ = stopped_ || ranks_.is_alone();
    ended_ = ended_ || stopped_;
    if (Clock::now() - last_sign_ < kSignOfLife) return;
    last_sign_ = Clock::now();
    ranks_.send(0, std::string(1, message::kAlive));
  }

  void add(const Json& task) {
    const std::size_t number = task[0];
    Job& job = todo_.at(number);
    job.row = task[1];
    job.twin = task[2];
    job.sample = task[3];
    job.samples = task[4];
    job.details = task[5];
    queue_.push_back(number);
  }

  NextJob next() {
    if (ended_) return {NextJob::Kind::kEnd};
    if (queue_.empty()) return {NextJob::Kind::kWait};
    const std::size_t number = queue_.front();
    queue_.pop_front();
    return {NextJob::Kind::kJob, number};
  }

  Ranks& ranks_;
  Scenario scenario_;
  std::size_t count_ = 0;
  int at_once_ = 1;
  std::vector<Job> todo_;
  std::deque<std::size_t> queue_;
  bool ended_ = false;    // This scenario has no more jobs.
  bool stopped_ = false;  // The run has ended.
  Clock::time_point last_sign_ = Clock::now();
};

}  // namespace

void serve(Ranks& ranks) {
  while (const auto frame = ranks.wait()) {
    if (frame->text.empty() || frame->text[0] == message::kStop) return;
    if (frame->text[0] != message::kScenario) continue;
    try {
      if (!Worker(ranks, Json::parse(frame->text.substr(1))).run()) return;
    } catch (const std::exception& e) {
      ranks.send(0, message::kFault + std::string(e.what()));
    }
  }
}

}  // namespace moesim
