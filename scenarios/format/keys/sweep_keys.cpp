#include "scenarios/format/keys/sweep_keys.h"

namespace moesim {
namespace {

form::Map sample() {
  const Default one_needed = otherwise("none; one of sobol and random is needed");
  const form::Part range{range_keys().form(), "A range"};
  const form::Part values{form::Values{}, "Values to choose from"};
  return {
      {key(kSobol, kSamples, one_needed, "Points of a Sobol sequence, which fill the space evenly"),
       key(kRandom, kSamples, one_needed, "Points at random, by the scenario's seed")},
      "{sobol: 100, moe.model.top_k: {from: 1, to: 64}}",
      false,
      {{form::Either{{range, values}, "a range or a list of values"},
        "The path's range, or its values"}}};
}

}  // namespace

const KeyMap<SampledRange>& range_keys() {
  using R = SampledRange;
  static const KeyMap<R> map = {"{from: 1, to: 64}",
                                {
                                    key(&R::from, "from", form::Text{}, kRequired,
                                        "Smallest value, with its unit if it has one"),
                                    key(&R::to, "to", form::Text{}, kRequired, "Largest value"),
                                    key(&R::log, "log", form::Flag{}, kAsBuilt,
                                        "Whether values are even on a logarithmic scale"),
                                    key(&R::integer, "integer", form::Flag{},
                                        otherwise("true if both ends are whole and without a unit"),
                                        "Whether all values are whole"),
                                }};
  return map;
}

KeyFacts sweep_key() {
  const std::string conditions = "Conditions that a point has to meet to be a row";
  const form::Part condition{form::Text{}, "A condition such as ep * tp <= gpus"};
  const form::Part point{form::Map{{}, "{moe.model.top_k: 2}"}, "Paths with their values"};
  form::Map sweep{
      {key(kPoints, form::List{{point}}, otherwise("none"),
           "Points of your own: maps of paths and values; {} = the cases as they are"),
       key(kSample, sample(), otherwise("none"),
           "Points drawn from ranges: paths with a range, or a list to choose from"),
       key(kWhere, form::Either{{condition, {form::List{{condition}}, conditions}}, "a condition"},
           otherwise("every point is a row"), conditions)},
      "{CASE.model.top_k: [1, 2, 4]}",
      false,
      {{form::Values{}, "Values that the path takes"}}};
  return key("sweep", sweep, otherwise("nothing"),
             "Varied keys: paths, e.g. CASE.model.top_k, with the values that they take; every "
             "combination is a row");
}

}  // namespace moesim
