#include "models/router/kernel/balanced_assignment.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace moesim {

namespace {

constexpr std::int64_t kNobody = -1;

// A place at an expert, with the price that its token paid.
struct Place {
  double price = 0;
  std::int64_t token = kNobody;

  bool operator>(const Place& other) const {
    return price != other.price ? price > other.price : token > other.token;
  }
};

class Auction {
 public:
  Auction(std::span<const float> values, std::size_t experts)
      : values_(values),
        experts_(experts),
        tokens_(static_cast<std::int64_t>(values.size() / experts)),
        places_(experts) {
    const auto each = (static_cast<std::size_t>(tokens_) + experts - 1) / experts;
    for (std::vector<Place>& places : places_) places.resize(each);
    // Tokens without any preference fill the last places: prices then need no lower end.
    bidders_ = static_cast<std::int64_t>(each * experts);
  }

  // Everybody bids anew, from the prices of the last round.
  void run(double epsilon) {
    for (std::vector<Place>& places : places_) {
      for (Place& place : places) place.token = kNobody;
      std::make_heap(places.begin(), places.end(), std::greater<>());
    }
    waiting_.clear();
    for (std::int64_t t = bidders_; t > 0; --t) waiting_.push_back(t - 1);
    while (!waiting_.empty()) {
      const std::int64_t token = waiting_.back();
      waiting_.pop_back();
      bid(token, epsilon);
    }
  }

  std::vector<std::uint16_t> experts() const {
    std::vector<std::uint16_t> chosen(static_cast<std::size_t>(tokens_));
    for (std::size_t e = 0; e < experts_; ++e) {
      for (const Place& place : places_[e]) {
        if (place.token < tokens_) {
          chosen[static_cast<std::size_t>(place.token)] = static_cast<std::uint16_t>(e);
        }
      }
    }
    return chosen;
  }

 private:
  double value(std::int64_t token, std::size_t expert) const {
    if (token >= tokens_) return 0;
    return values_[static_cast<std::size_t>(token) * experts_ + expert];
  }

  // Takes the cheapest place of the best expert at the price at which the second best expert would
  // be as good, plus epsilon.
  void bid(std::int64_t token, double epsilon) {
    constexpr double kNothing = -std::numeric_limits<double>::infinity();
    double best = kNothing;
    double second = kNothing;
    std::size_t expert = 0;
    for (std::size_t e = 0; e < experts_; ++e) {
      const double gain = value(token, e) - places_[e].front().price;
      if (gain > best) {
        second = best;
        best = gain;
        expert = e;
      } else {
        second = std::max(second, gain);
      }
    }
    std::vector<Place>& places = places_[expert];
    const double rise = second == kNothing ? 0.0 : best - second;
    const Place taken{places.front().price + rise + epsilon, token};
    std::pop_heap(places.begin(), places.end(), std::greater<>());
    if (places.back().token != kNobody) waiting_.push_back(places.back().token);
    places.back() = taken;
    std::push_heap(places.begin(), places.end(), std::greater<>());
  }

  std::span<const float> values_;
  std::size_t experts_;
  std::int64_t tokens_;
  std::int64_t bidders_ = 0;
  std::vector<std::vector<Place>> places_;  // [expert] heaps, the cheapest place first.
  std::vector<std::int64_t> waiting_;
};

}  // namespace

double assignment_epsilon(std::span<const float> values) {
  if (values.empty()) return 1;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double spread = static_cast<double>(*most) - static_cast<double>(*least);
  return spread > 0 ? 1e-4 * spread : 1.0;
}

std::vector<std::uint16_t> balanced_assignment(std::span<const float> values, std::int64_t experts,
                                               double epsilon) {
  Auction auction(values, static_cast<std::size_t>(experts));
  // Coarse rounds first find rough prices, which saves bids in the fine ones.
  for (double coarse = 1000 * epsilon; coarse > epsilon; coarse /= 5) auction.run(coarse);
  auction.run(epsilon);
  return auction.experts();
}

}  // namespace moesim
