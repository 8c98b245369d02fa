#include "reports/render/words/driver_words.h"

#include <fmt/format.h>

#include "reports/render/words/format.h"

namespace moesim {
namespace {

struct DriverWords {
  DriverKind kind;
  const char* unit;   // Of the figures.
  const char* words;  // {0} of the winner, {1} of the loser.
};

constexpr DriverWords kDriverWords[] = {
    {DriverKind::kDevicePrice, "USD", "its devices cost {0} against {1} per hour"},
    {DriverKind::kMemoryRead, "B",
     "it reads {0} of weights and KV cache per output token against {1}"},
    {DriverKind::kActiveParams, "count", "it touches {0} parameters per token against {1}"},
    {DriverKind::kCommunication, "share", "communication takes {0} of its device time against {1}"},
    {DriverKind::kDevices, "count", "it needs {0} against {1} devices"},
    {DriverKind::kUnused, "share", "{0} of its device time is unused against {1}"},
    {DriverKind::kMemoryTime, "s",
     "its devices spend {0} per output token on reading memory against {1}"},
    {DriverKind::kComputeTime, "s",
     "its devices spend {0} per output token on arithmetic against {1}"},
    {DriverKind::kCommunicationTime, "s",
     "its devices spend {0} per output token on communication against {1}"},
    {DriverKind::kImbalanceTime, "s",
     "its devices spend {0} per output token waiting for fuller peers against {1}"},
    {DriverKind::kOverheadTime, "s",
     "its devices spend {0} per output token on launches and host work against {1}"},
    {DriverKind::kIdleTime, "s", "its devices spend {0} per output token idle against {1}"},
    {DriverKind::kWholeTime, "", "its devices finish the same tokens in less time"},
    {DriverKind::kDeviceEnergy, "J", "its accelerators take {0} against {1}"},
    {DriverKind::kHostEnergy, "J", "its hosts take {0} against {1}"},
    {DriverKind::kNetworkEnergy, "J", "its network takes {0} against {1}"},
    {DriverKind::kPowerSupplyEnergy, "J", "power supplies lose {0} against {1}"},
    {DriverKind::kFacilityEnergy, "J", "cooling and distribution take {0} against {1}"},
};

}  // namespace

std::string driver_text(const Driver& driver) {
  for (const DriverWords& entry : kDriverWords) {
    if (entry.kind != driver.kind) continue;
    return fmt::format(fmt::runtime(entry.words), readable(driver.winner, entry.unit),
                       readable(driver.loser, entry.unit));
  }
  return "";
}

}  // namespace moesim
