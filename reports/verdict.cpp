#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/doubt.h"
#include "reports/format.h"
#include "reports/metrics.h"
#include "reports/ranking.h"
#include "reports/report.h"

namespace moesim {
namespace {

// Below this relative difference two figures count as equal: the model is not finer than that.
constexpr double kTie = 0.01;
constexpr std::size_t kMostExclusions = 3;

struct Comparison {
  const CaseReport& winner;
  const CaseReport& loser;

  // Loser minus winner; 0 where either has no value.
  double gain(std::string_view key) const {
    const auto a = metric(winner, key), b = metric(loser, key);
    return a && b ? *b - *a : 0;
  }
  std::string against(std::string_view key) const {
    return readable_metric(winner, key) + " against " + readable_metric(loser, key);
  }
};

bool tied(double a, double b) {
  return std::abs(a - b) <= kTie * std::max(a, b);
}

// What a figure says of a case: "costs 0.21 USD per million output tokens".
std::string figure(const CaseReport& report, std::string_view key) {
  if (key == "energy_per_output_token_j")
    return "uses " + readable_metric(report, key) + " per output token";
  return "costs " + readable_metric(report, key) + " per million output tokens";
}

// Time of all devices per output token, one activity.
double time_per_token(const CaseReport& report, const std::string& activity) {
  const double tokens = metric(report, "output_tokens").value_or(0);
  return tokens > 0 ? metric(report, "time_" + activity + "_s").value_or(0) / tokens : 0;
}

double time_gain(const Comparison& pair, const std::string& activity) {
  return time_per_token(pair.loser, activity) - time_per_token(pair.winner, activity);
}

std::string time_text(const Comparison& pair, const std::string& activity,
                      const std::string& words) {
  return fmt::format("its devices spend {} per output token {} against {}",
                     readable(time_per_token(pair.winner, activity), "s"), words,
                     readable(time_per_token(pair.loser, activity), "s"));
}

struct Driver {
  double gain = 0;  // In the figure compared; the largest one is named.
  std::string text;
};

// Bytes that a decode step reads per token, if they tell the cases apart the right way round.
std::string memory_text(const Comparison& pair) {
  const auto bytes = [](const CaseReport& report) {
    const auto weights = metric(report, "weights_read_per_output_token_bytes");
    const auto kv = metric(report, "kv_read_per_output_token_bytes");
    return weights && kv ? *weights + *kv : 0;
  };
  const double own = bytes(pair.winner), other = bytes(pair.loser);
  if (!(own > 0) || own >= other) return time_text(pair, "memory", "on reading memory");
  return fmt::format("it reads {} of weights and KV cache per output token against {}",
                     readable(own, "B"), readable(other, "B"));
}

std::string compute_text(const Comparison& pair) {
  if (pair.gain("params_active") > 0)
    return fmt::format("it touches {} parameters per token against {}",
                       readable_metric(pair.winner, "params_active"),
                       readable_metric(pair.loser, "params_active"));
  return time_text(pair, "compute", "on arithmetic");
}

// A share of the device time where the winner's is the smaller one, else the time itself.
std::string communication_text(const Comparison& pair) {
  if (pair.gain("time_communication_share") > 0)
    return fmt::format("communication takes {} of its device time against {}",
                       readable_metric(pair.winner, "time_communication_share"),
                       readable_metric(pair.loser, "time_communication_share"));
  return time_text(pair, "communication", "on communication");
}

std::string idle_text(const Comparison& pair) {
  if (pair.gain("devices") > 0) return "it needs " + pair.against("devices") + " devices";
  if (pair.gain("device_time_idle_share") > 0)
    return fmt::format("{} of its device time is unused against {}",
                       readable_metric(pair.winner, "device_time_idle_share"),
                       readable_metric(pair.loser, "device_time_idle_share"));
  return time_text(pair, "idle", "idle");
}

// cost per token = price of a device second * device seconds per token, and the latter is the sum
// over activities: the driver is the price if its ratio is the larger one, else the activity that
// differs most.
std::string cost_driver(const Comparison& pair) {
  const auto price = [](const CaseReport& r) {
    return metric(r, "cost_per_device_hour_usd").value_or(0);
  };
  const auto cost = [](const CaseReport& r) {
    return metric(r, "cost_per_million_output_tokens_usd").value_or(0);
  };
  const double price_ratio = price(pair.winner) > 0 ? price(pair.loser) / price(pair.winner) : 1;
  const double cost_ratio = cost(pair.winner) > 0 ? cost(pair.loser) / cost(pair.winner) : 1;
  if (price_ratio * price_ratio > cost_ratio)
    return fmt::format("its devices cost {} per hour", pair.against("cost_per_device_hour_usd"));
  const double idle = time_gain(pair, "idle") + time_gain(pair, "unallocated");
  const std::vector<Driver> drivers = {
      {time_gain(pair, "memory"), memory_text(pair)},
      {time_gain(pair, "compute"), compute_text(pair)},
      {time_gain(pair, "communication"), communication_text(pair)},
      {time_gain(pair, "imbalance_wait"),
       time_text(pair, "imbalance_wait", "waiting for fuller peers")},
      {time_gain(pair, "overhead"), time_text(pair, "overhead", "on launches and host work")},
      {idle, idle_text(pair)}};
  const auto best =
      std::max_element(drivers.begin(), drivers.end(),
                       [](const Driver& a, const Driver& b) { return a.gain < b.gain; });
  return best->gain > 0 ? best->text : "its devices finish the same tokens in less time";
}

// The component whose energy per token differs most; accelerators are explained by what they do.
std::string energy_driver(const Comparison& pair) {
  const std::vector<Driver> drivers = {
      {pair.gain("energy_devices_per_output_token_j"),
       "its accelerators take " + pair.against("energy_devices_per_output_token_j")},
      {pair.gain("energy_host_per_output_token_j"),
       "its hosts take " + pair.against("energy_host_per_output_token_j")},
      {pair.gain("energy_network_per_output_token_j"),
       "its network takes " + pair.against("energy_network_per_output_token_j")},
      {pair.gain("energy_power_supply_per_output_token_j"),
       "power supplies lose " + pair.against("energy_power_supply_per_output_token_j")},
      {pair.gain("energy_facility_per_output_token_j"),
       "cooling and distribution take " + pair.against("energy_facility_per_output_token_j")}};
  const auto best =
      std::max_element(drivers.begin(), drivers.end(),
                       [](const Driver& a, const Driver& b) { return a.gain < b.gain; });
  return best->text;
}

// The best case of another name, so that a sweep compares designs and not neighbouring points.
std::size_t rival_of(const std::vector<CaseReport>& cases, const std::vector<std::size_t>& order) {
  for (const std::size_t i : order)
    if (cases[i].name != cases[order[0]].name) return i;
  return order[1];
}

// The reasons of disqualification() of one case, said of several.
std::string plural(const std::string& why) {
  if (why.starts_with("misses its")) return "miss their service level";
  if (why.starts_with("is saturated")) return "are saturated";
  return why;
}

class Sentence {
 public:
  explicit Sentence(const Report& report)
      : cases_(report.cases), paths_(swept_paths(cases_)), order_(ranking(cases_)) {}

  std::string text() const {
    if (cases_.empty()) return "There is nothing to compare: the report has no case.";
    if (cases_.size() == 1) return alone() + ".";
    if (order_.empty()) return "No case can be recommended: " + excluded() + ".";
    const std::string outside = excluded();
    return (order_.size() == 1 ? only_one() : comparison()) + unsure() +
           (outside.empty() ? "" : "; " + outside) + ".";
  }

 private:
  std::string title(std::size_t i) const { return printable(case_title(cases_[i], paths_)); }

  std::string key() const { return std::string(ranking_key(cases_)); }

  std::string alone() const {
    const std::string why = disqualification(cases_[0]);
    if (!why.empty()) return title(0) + " " + why;
    return fmt::format("{} {} at {}; there is no other case to compare it with", title(0),
                       figure(cases_[0], key()), readable_metric(cases_[0], "output_tokens_per_s"));
  }

  // What may yet miss its service level, among the cases that the sentence compares.
  std::string unsure() const {
    std::vector<std::size_t> named = {order_[0]};
    if (order_.size() > 1) named.push_back(rival_of(cases_, order_));
    std::string text;
    for (const std::size_t i : named) {
      const auto met = service_level_draws(cases_[i]);
      if (!met) continue;
      text += fmt::format("; {} meets its service level in {} of {} draws", title(i), met->first,
                          met->second);
    }
    return text;
  }

  std::string only_one() const {
    return fmt::format("{} is the only case that can be recommended: it {}", title(order_[0]),
                       figure(cases_[order_[0]], key()));
  }

  std::string comparison() const {
    const std::size_t second = rival_of(cases_, order_);
    const Comparison pair{cases_[order_[0]], cases_[second]};
    const double own = *metric(pair.winner, key()), other = *metric(pair.loser, key());
    if (tied(own, other)) return tie(second);
    const Contest draws = contest(pair.winner, pair.loser, key());
    if (draws.is_tie()) return toss_up(pair, second, draws);
    const bool by_energy = key() == "energy_per_output_token_j";
    return fmt::format("{} {} against {} for {}: {}{}", title(order_[0]),
                       figure(pair.winner, key()), readable_metric(pair.loser, key()),
                       title(second), by_energy ? energy_driver(pair) : cost_driver(pair),
                       by_energy ? " (compared by energy: not every case has a price)" : "");
  }

  // Ahead as stated, but not by more than what is uncertain.
  std::string toss_up(const Comparison& pair, std::size_t second, const Contest& draws) const {
    return fmt::format(
        "{} and {} are a tie: the first {} ({}) against {} ({}), but the order turns "
        "in {} of {} draws of what is uncertain",
        title(order_[0]), title(second), figure(pair.winner, key()),
        readable_interval(pair.winner, key()), readable_metric(pair.loser, key()),
        readable_interval(pair.loser, key()), draws.turned, draws.draws);
  }

  // Equal in the figure: energy decides if it differs.
  std::string tie(std::size_t second) const {
    const CaseReport* a = &cases_[order_[0]];
    const CaseReport* b = &cases_[second];
    const std::string head = fmt::format("{} and {} are equal within 1 %: each {}",
                                         title(order_[0]), title(second), figure(*a, key()));
    const auto joules_a = metric(*a, "energy_per_output_token_j");
    const auto joules_b = metric(*b, "energy_per_output_token_j");
    if (!joules_a || !joules_b || tied(*joules_a, *joules_b)) return head;
    const bool first_wins = *joules_a < *joules_b;
    if (!first_wins) std::swap(a, b);
    const Comparison pair{*a, *b};
    return fmt::format("{}, but {} uses {} per output token", head,
                       title(first_wins ? order_[0] : second),
                       pair.against("energy_per_output_token_j"));
  }

  // What keeps the others from winning, one by one if they are few.
  std::string excluded() const {
    if (cases_.size() - order_.size() > kMostExclusions) return excluded_counts();
    std::string text;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const std::string why = disqualification(cases_[i]);
      if (!why.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : "; ", title(i), why);
    }
    return text;
  }

  std::string excluded_counts() const {
    std::map<std::string, int> counts;
    for (const CaseReport& one : cases_) {
      const std::string why = disqualification(one);
      if (!why.empty()) ++counts[why.substr(0, why.find(':'))];
    }
    std::string text;
    for (const auto& [why, count] : counts)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, plural(why));
    const std::size_t out = cases_.size() - order_.size();
    if (counts.size() == 1)
      return fmt::format("{} of {} rows {}", out, cases_.size(), plural(counts.begin()->first));
    return fmt::format("{} of {} rows are out: {}", out, cases_.size(), text);
  }

  const std::vector<CaseReport>& cases_;
  std::vector<std::string> paths_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::string verdict(const Report& report) {
  return Sentence(report).text();
}

}  // namespace moesim
