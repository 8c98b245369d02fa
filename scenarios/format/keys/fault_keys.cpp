#include "scenarios/format/keys/fault_keys.h"

#include <fmt/format.h>

namespace moesim {
namespace {

constexpr form::Whole kNumber{0, 1'000'000'000};
constexpr form::Quantity kTime{.max = 3650 * 86400.0, .most = "3650 days"};
// A shorter one would be lost when it is added to a date of some days.
constexpr form::Quantity kDuration{.max = kTime.max, .most = kTime.most, .min = 1e-3};
constexpr form::Quantity kDate{.max = kTime.max, .most = kTime.most, .zero_allowed = true};

Default time(Seconds assumed) {
  return otherwise(fmt::format("{:g} s", assumed.value()));
}

// A time, or never: code of its own reads the word.
Key<FaultEntry> restart() {
  Key<FaultEntry> row =
      key(&FaultEntry::restart, "restart", kDuration, time(kRestartTime),
          "After that, time until it serves again; never for a GPU or node that is lost for good");
  row.facts.form = form::Either{{{kDuration, "Time"}, {form::Constant{kNever}, "Lost for good"}},
                                form::allowed_text(kDuration)};
  return row;
}

}  // namespace

const KeyMap<FaultEntry>& fault_keys() {
  using F = FaultEntry;
  static const KeyMap<F> map = {
      "{link: nic, node: 3, rail: 5, speed: 0.5} or {gpu: 7, fails: 30 s}",
      {
          key(&F::link, "link", form::Word<FaultPart>{kLinkParts}, otherwise("the GPU itself"),
              "Which link"),
          key(&F::node, "node", kNumber, otherwise("gpu says it"),
              "Node: of a NIC, of a gpu, or all of it (fails), counted from 0"),
          key(&F::rail, "rail", kNumber, otherwise("none; a nic needs it"),
              "NIC of the node, counted from 0"),
          key(&F::port, "port", form::Text{}, otherwise("none; fabric needs it"),
              "Links between switches by a name that show FABRIC prints"),
          key(&F::cables, "cables", form::Whole{1, kNumber.max}, otherwise("all"),
              "How many cables of each of these links"),
          key(&F::gpu, "gpu", kNumber, otherwise("none"),
              "GPU of the cluster, or of the node that is given, counted from 0"),
          key(&F::speed, "speed", form::Number{0, 1}, otherwise("required unless `fails` is given"),
              "Share of its speed that is left; 0 = a link is down, and steps that need it wait"),
          key(&F::from, "from", kDate, otherwise("0 s"), "When it becomes slow"),
          key(&F::until, "until", kTime, otherwise("the end; a link that is down needs it"),
              "When it is as before"),
          key(&F::timeout, "timeout", kDuration, time(kLinkTimeout),
              "Time after which the replicas that wait for a link that is down start anew"),
          key(&F::fails, "fails", kDate, otherwise("it does not"), "When the GPU or node stops"),
          key(&F::detection, "detection", kDuration, time(kDetectionTime),
              "Time until that is found out"),
          restart(),
      }};
  return map;
}

KeyFacts faults_key() {
  const form::Part entry{fault_keys().form(),
                         "A link or GPU that is slow (speed, from, until), a link that is down "
                         "(speed: 0), or a GPU or "
                         "node that fails"};
  return key("faults", form::List{{entry}, "a list expected, e.g. [{gpu: 12, speed: 0.8}]"},
             otherwise("none"),
             "Links and devices that are slow, down or fail, e.g. {link: nic, node: 3, rail: 5, "
             "speed: 0.5}, {link: fabric, port: leaf 3, cables: 1, speed: 0, until: 80 s} or {gpu: "
             "7, fails: 30 s, restart: 2 min}");
}

}  // namespace moesim
