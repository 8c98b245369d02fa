#include "scenarios/format/keys/length_keys.h"

namespace moesim {
namespace {

constexpr form::Number kMeasure{kTokens.min, kTokens.max};

form::Either length() {
  const Default none = otherwise("none");
  form::Map drawn{{key("lognormal", lognormal_keys().form(), none, "Log-normal lengths"),
                   key("uniform", uniform_keys().form(), none, "Lengths evenly spread")},
                  "{lognormal: {mean: 256, p99: 1500}}",
                  true};
  return {{{kTokens, "Tokens of every request"}, {drawn, "A distribution: one of these"}},
          "a number of tokens or a distribution"};
}

}  // namespace

const KeyMap<LognormalLength>& lognormal_keys() {
  using L = LognormalLength;
  static const KeyMap<L> map = {
      "{mean: 256, p99: 1500}",
      {
          key(&L::mean, "mean", kMeasure, kRequired, "Mean number of tokens"),
          key(&L::p99, "p99", kMeasure, kRequired, "99th percentile of tokens"),
      }};
  return map;
}

const KeyMap<UniformLength>& uniform_keys() {
  using U = UniformLength;
  static const KeyMap<U> map = {"{min: 100, max: 2000}",
                                {
                                    key(&U::min, "min", kTokens, kRequired, "Fewest tokens"),
                                    key(&U::max, "max", kTokens, kRequired, "Most tokens"),
                                }};
  return map;
}

const form::Map& length_map() {
  static const form::Map map{{key("input", length(), kRequired, "Tokens of a prompt"),
                              key("output", length(), kRequired, "Tokens of an answer")},
                             "{input: 1024, output: 256}"};
  return map;
}

}  // namespace moesim
