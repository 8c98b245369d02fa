#include "reports/render/words/network_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reports/metrics/communication_share.h"

namespace moesim {
namespace {

std::string percent(double share) {
  return fmt::format("{:.{}f} %", 100 * share, share < 0.0995 ? 1 : 0);
}

// "all-reduces run as two_shot (96 %) and nvls (4.0 %)"; those of both kinds of steps together.
std::string all_reduce_words(const NetworkSummary& network) {
  std::array<double, kNumWords<AllReduce>> runs{};
  double all = 0;
  for (std::size_t a = 0; a < kNumWords<AllReduce>; ++a) {
    runs[a] = network.prompt_steps.all_reduces[a] + network.decode_steps.all_reduces[a];
    all += runs[a];
  }
  std::string text;
  for (std::size_t a = 0; a < kNumWords<AllReduce>; ++a) {
    if (runs[a] <= 0) continue;
    text += fmt::format("{}{} ({})", text.empty() ? "; all-reduces run as " : ", ",
                        kWords<AllReduce>.rows[a].word, percent(runs[a] / all));
  }
  return text;
}

}  // namespace

std::string network_sentence(const NetworkSummary& network) {
  const double decode = communication_share(network.decode_steps);
  const double prompt = communication_share(network.prompt_steps);
  if (decode <= 0 && prompt <= 0) return "";
  std::string text = "communication takes ";
  if (decode > 0) text += percent(decode) + " of decode steps";
  if (prompt > 0) {
    text += fmt::format("{}{} of steps with prompts", decode > 0 ? " and " : "", percent(prompt));
  }
  if (const LinkUse* link = fullest_link(network)) {
    text += fmt::format("; while tokens are dispatched, the {} is {} busy ({})", link->fullest,
                        percent(link->fullest_busy_share),
                        link->fullest_receives ? "receiving" : "sending");
  }
  text += all_reduce_words(network);
  if (network.decode_steps.total <= Seconds(0)) {
    text +=
        "; no step only decodes: every token waits for prompts of others (less with a smaller "
        "engine.max_batched_tokens, not at all with a pool of its own for prompts, prefill)";
  }
  std::string gains;
  for (const LinkUse& link : network.links) {
    if (!link.doubled_gain) continue;
    gains += fmt::format("{} the {} bandwidth{} by {}", gains.empty() ? "; doubling" : ",",
                         link.name, gains.empty() ? " would shorten a step" : "",
                         percent(std::max(0.0, *link.doubled_gain)));
  }
  return text + gains + ".";
}

}  // namespace moesim
