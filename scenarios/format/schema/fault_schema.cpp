#include <fmt/format.h>

#include "scenarios/format/schema/schema_parts.h"
#include "sim/deployment/faults.h"

namespace moesim::schema {
namespace {

constexpr std::int64_t kMaxNumber = 1'000'000'000;

std::string text_of(Seconds time) {
  return fmt::format("{:g} s", time.value());
}

Json counted(const std::string& meaning, const std::string& otherwise) {
  return by_default_as(otherwise, whole_number(0, kMaxNumber, meaning + ", counted from 0"));
}

Json time(const std::string& meaning, const std::string& otherwise, bool zero_allowed = false) {
  return by_default_as(otherwise, quantity(Dimension::kTime, meaning, zero_allowed));
}

// A time, or never.
Json restart() {
  const std::string meaning =
      "After that, time until it serves again; never for a GPU or node that is lost for good";
  return by_default_as(text_of(kRestartTime),
                       either({quantity(Dimension::kTime, "Time"), {{"const", "never"}}}, meaning));
}

}  // namespace

// One map for every entry: which keys go together depends on what fails, and the reader says so.
Json faults() {
  const Json entry = map_of(
      "A link or GPU that is slow (speed, from, until), a link that is down (speed: 0), or a GPU "
      "or node that fails",
      {
          {"link", by_default_as("the GPU itself",
                                 one_of(allowed_words<FaultPart>(kLinkParts), "Which link"))},
          {"node", counted("Node: of a NIC, of a gpu, or all of it (fails)", "gpu says it")},
          {"rail", counted("NIC of the node", "none; a nic needs it")},
          {"port", by_default_as("none; fabric needs it",
                                 text("Links between switches by a name that show FABRIC prints"))},
          {"cables", by_default_as("all", whole_number(1, kMaxNumber,
                                                       "How many cables of each of these links"))},
          {"gpu", counted("GPU of the cluster, or of the node that is given", "none")},
          {"speed", by_default_as("none; needed unless it fails",
                                  number(0, 1,
                                         "Share of its speed that is left; 0 = a link is "
                                         "down, and steps that need it wait"))},
          {"from", time("When it becomes slow", "0 s", true)},
          {"until", time("When it is as before", "the end; a link that is down needs it")},
          {"timeout", time("Time after which the replicas that wait for a link that is down start "
                           "anew",
                           text_of(kLinkTimeout))},
          {"fails", time("When the GPU or node stops", "it does not", true)},
          {"detection", time("Time until that is found out", text_of(kDetectionTime))},
          {"restart", restart()},
      });
  return by_default_as(
      "none", list_of("Links and devices that are slow, down or fail, e.g. {link: nic, node: 3, "
                      "rail: 5, speed: 0.5}, {link: fabric, port: leaf 3, cables: 1, speed: 0, "
                      "until: 80 s} or {gpu: 7, fails: 30 s, restart: 2 min}",
                      entry));
}

}  // namespace moesim::schema
