// The miniature of language that a gate is trained on: topics of very different popularity, each
// with a direction in state space and a target of its own, which experts can only learn by parting
// the topics among themselves. Source: docs/physics.md, "Balancing".
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace moesim {

// Tokens of one training step.
struct TopicBatch {
  std::vector<float> states;   // [tokens, width] x = 2 (u_topic + 0.15 noise)
  std::vector<float> targets;  // [tokens, width] y = B_topic x
};

class TopicTask {
 public:
  // max(16, num_experts) topics: as many as there is something to part for. Unit directions are
  // random, and B has N(0, 1 / width) entries, so that targets are as long as states.
  TopicTask(std::int64_t num_experts, std::uint64_t seed);

  // 4 log2(topics), rounded up to a multiple of 4; 16 at 16 topics. The closest two of n random
  // directions have a cosine of about sqrt(4 ln n / width): growing with the logarithm keeps topics
  // as easy to tell apart at every size (Johnson and Lindenstrauss).
  std::int64_t width() const { return width_; }
  std::int64_t topics() const { return topics_; }

  // The next tokens, topics drawn with Zipf(1) popularity.
  void draw(std::int64_t tokens, TopicBatch& batch);

 private:
  std::int64_t topics_;
  std::int64_t width_;
  std::vector<double> cumulative_;  // [topics] of the popularity.
  std::vector<float> directions_;   // [topics, width]
  std::vector<float> maps_;         // [topics, width in, width out]
  RandomStream topic_stream_;
  RandomStream noise_stream_;
};

// Topics for this many experts, and the width of their states.
std::int64_t num_topics(std::int64_t num_experts);
std::int64_t state_width(std::int64_t topics);

}  // namespace moesim
