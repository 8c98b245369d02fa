#include "models/router/training/topic_task.h"

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <cmath>

#include "models/router/training/dense_loops.h"

namespace moesim {

namespace {

constexpr std::int64_t kLeastTopics = 16;
constexpr float kStateScale = 2.0F;
constexpr double kNoise = 0.15;

}  // namespace

std::int64_t num_topics(std::int64_t num_experts) {
  return std::max(kLeastTopics, num_experts);
}

std::int64_t state_width(std::int64_t topics) {
  return 4 * static_cast<std::int64_t>(std::ceil(std::log2(static_cast<double>(topics)) - 1e-9));
}

TopicTask::TopicTask(std::int64_t num_experts, std::uint64_t seed)
    : topics_(num_topics(num_experts)),
      width_(state_width(topics_)),
      cumulative_(static_cast<std::size_t>(topics_)),
      directions_(static_cast<std::size_t>(topics_ * width_)),
      maps_(static_cast<std::size_t>(topics_ * width_ * width_)),
      topic_stream_(seed, "gate training topics"),
      noise_stream_(seed, "gate training noise") {
  RandomStream random(seed, "gate training task");
  boost::random::normal_distribution<double> normal;
  double sum = 0;
  for (std::int64_t i = 0; i < topics_; ++i) {
    sum += 1 / static_cast<double>(i + 1);
    cumulative_[static_cast<std::size_t>(i)] = sum;
  }
  for (std::int64_t i = 0; i < topics_; ++i) {
    float* direction = directions_.data() + i * width_;
    for (std::int64_t h = 0; h < width_; ++h) direction[h] = static_cast<float>(normal(random));
    const float length = std::sqrt(dot(direction, direction, width_));
    for (std::int64_t h = 0; h < width_; ++h) direction[h] /= length;
  }
  const double spread = 1 / std::sqrt(static_cast<double>(width_));
  for (float& entry : maps_) entry = static_cast<float>(spread * normal(random));
}

void TopicTask::draw(std::int64_t tokens, TopicBatch& batch) {
  boost::random::normal_distribution<double> noise(0, kNoise);
  batch.states.resize(static_cast<std::size_t>(tokens * width_));
  batch.targets.assign(batch.states.size(), 0);
  for (std::int64_t t = 0; t < tokens; ++t) {
    const double point = topic_stream_.uniform() * cumulative_.back();
    const auto topic =
        std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, point) - cumulative_.begin();
    float* state = batch.states.data() + t * width_;
    for (std::int64_t h = 0; h < width_; ++h) {
      state[h] = kStateScale * (directions_[static_cast<std::size_t>(topic * width_ + h)] +
                                static_cast<float>(noise(noise_stream_)));
    }
    add_product({state, 1, width_, width_},
                {maps_.data() + topic * width_ * width_, width_, width_, width_},
                batch.targets.data() + t * width_);
  }
}

}  // namespace moesim
