#include "models/quality/law_coefficients.h"

#include "base/data_folder.h"
#include "base/keys.h"

namespace moesim {
namespace {

constexpr form::Number kCoefficient{-1e3, 1e3};
constexpr form::Number kError{0, 1};

template <class Law>
Key<Law> coefficient(double Law::*member, const char* name) {
  return key(member, name, kCoefficient, kRequired, "Coefficient of the law's formula");
}

template <class Law>
Keys<Law> with_sources(Keys<Law> keys) {
  keys.push_back(key("source", form::Text{}, kRequired, "Paper"));
  keys.push_back(key("confidence", form::Text{}, kRequired, "As of profiles"));
  keys.push_back(key("extent", form::Values{}, kRequired, "Sizes that the experiments covered"));
  return keys;
}

Keys<JointLaw> joint_keys() {
  using J = JointLaw;
  return with_sources<J>(
      {coefficient(&J::a, "a"), coefficient(&J::alpha, "alpha"), coefficient(&J::delta, "delta"),
       coefficient(&J::gamma, "gamma"), coefficient(&J::b, "b"), coefficient(&J::beta, "beta"),
       coefficient(&J::omega, "omega"), coefficient(&J::zeta, "zeta"), coefficient(&J::c, "c"),
       coefficient(&J::start, "start"), coefficient(&J::max, "max"),
       key(&J::error, "error", kError, kRequired, "Largest error, in nats")});
}

Keys<FineGrainedLaw> fine_grained_keys() {
  using F = FineGrainedLaw;
  return with_sources<F>(
      {coefficient(&F::a, "a"), coefficient(&F::alpha, "alpha"), coefficient(&F::g, "g"),
       coefficient(&F::gamma, "gamma"), coefficient(&F::b, "b"), coefficient(&F::beta, "beta"),
       coefficient(&F::c, "c"), key(&F::error, "error", kError, kRequired, "RMSE, in nats")});
}

using C = LawCoefficients;

// A map of one number.
Keys<C> number_keys(double C::*member, const char* name, form::Number form,
                    const std::string& meaning) {
  return {key(member, name, form, kRequired, meaning),
          key("source", form::Text{}, kRequired, "Paper"),
          key("confidence", form::Text{}, kRequired, "As of profiles")};
}

const Keys<LawExtent>& extent_keys() {
  constexpr form::Number kSize{0, 1e15};
  static const Keys<LawExtent> kKeys = {
      key(&LawExtent::least, "least", kSize, kRequired, "Smallest size"),
      key(&LawExtent::most, "most", kSize, kRequired, "Largest size")};
  return kKeys;
}

template <class Law>
void read_law(MapReader& file, const char* name, const Keys<Law>& keys,
              const std::vector<std::pair<const char*, LawExtent Law::*>>& extents, Law& law) {
  const auto value = file.required(name, "a map of coefficients expected");
  if (!value) return;
  MapReader map(*value);
  read_keys(map, keys, law);
  if (const auto sizes = map.optional("extent")) {
    MapReader extent(*sizes);
    for (const auto& [size, member] : extents) {
      const auto pair = extent.required(size, "{least: NUMBER, most: NUMBER} expected");
      if (!pair) continue;
      MapReader ends(*pair);
      read_keys(ends, extent_keys(), law.*member);
      ends.done();
    }
    extent.done();
  }
  map.done();
}

void read_part(MapReader& file, const char* name, const Keys<C>& keys, C& laws) {
  const auto part = file.required(name, "a map expected");
  if (!part) return;
  MapReader map(*part);
  read_keys(map, keys, laws);
  map.done();
}

LawCoefficients read_coefficients() {
  const std::string path = data_folder("models/quality") + "/scaling_laws.yaml";
  Faults faults;
  LawCoefficients laws;
  MapReader file(Value(parse_document(read_file(path), path), path, "", &faults));
  using J = JointLaw;
  using F = FineGrainedLaw;
  read_law(file, "joint", joint_keys(),
           {{"active", &J::active},
            {"tokens", &J::tokens},
            {"tokens_per_active", &J::tokens_per_active},
            {"experts", &J::experts},
            {"granularity", &J::granularity}},
           laws.joint);
  read_law(file, "fine_grained", fine_grained_keys(),
           {{"held", &F::held},
            {"tokens", &F::tokens},
            {"experts", &F::experts},
            {"granularity", &F::granularity}},
           laws.fine_grained);
  read_part(file, "beyond",
            number_keys(&C::exponent_error, "exponent_error", kError,
                        "Error of an exponent beyond the experiments, relative"),
            laws);
  read_part(file, "unpublished",
            number_keys(&C::tokens_per_active, "tokens_per_active", form::Number{1, 1e6},
                        "Training tokens per active parameter"),
            laws);
  file.done();
  faults.throw_if_any();
  return laws;
}

}  // namespace

const LawCoefficients& law_coefficients() {
  static const LawCoefficients kLaws = read_coefficients();
  return kLaws;
}

}  // namespace moesim
