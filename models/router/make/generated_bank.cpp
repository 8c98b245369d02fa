#include "models/router/make/generated_bank.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "models/router/kernel/gate.h"
#include "models/router/kernel/router_kernel.h"
#include "models/router/recorded/gate_weights.h"
#include "models/router/tokens/generated_gate.h"
#include "models/router/tokens/token_generator.h"

namespace moesim {

namespace {

// Tokens per gate product: enough that packing the gate matrix costs little, and always the same,
// so that the product is rounded the same way whatever other work runs.
constexpr std::int64_t kChunkTokens = 256;

// 0 for the first MoE layer, 1 for the last.
double relative_depth(std::int64_t layer, std::int64_t layers) {
  return layers == 1 ? 0.5 : static_cast<double>(layer) / static_cast<double>(layers - 1);
}

// The states of a text in one layer, chunk by chunk of whole sequences.
class LayerStates {
 public:
  LayerStates(const TokenGenerator& text, std::int64_t layer, double depth)
      : text_(text),
        layer_(layer),
        depth_(depth),
        sequences_(std::max<std::int64_t>(1, kChunkTokens / text.size().sequence_tokens)) {
    const std::int64_t most = std::min(sequences_, text.size().sequences);
    states_.resize(
        static_cast<std::size_t>(most * text.size().sequence_tokens * text.dimensions()));
  }

  std::int64_t chunks() const { return (text_.size().sequences + sequences_ - 1) / sequences_; }
  std::int64_t first_token(std::int64_t chunk) const {
    return chunk * sequences_ * text_.size().sequence_tokens;
  }
  std::int64_t tokens(std::int64_t chunk) const {
    const std::int64_t all = text_.size().sequences * text_.size().sequence_tokens;
    return std::min(first_token(chunk + 1), all) - first_token(chunk);
  }
  // Valid until the next call.
  MatrixView states(std::int64_t chunk) {
    const std::int64_t rows = tokens(chunk);
    text_.hidden_states(layer_, depth_, chunk * sequences_, rows / text_.size().sequence_tokens,
                        states_.data());
    return {states_.data(), rows, text_.dimensions(), text_.dimensions()};
  }

 private:
  const TokenGenerator& text_;
  std::int64_t layer_;
  double depth_;
  std::int64_t sequences_;  // In a chunk.
  std::vector<float> states_;
};

// A chunk of tokens on its way into the ids of a bank's layer.
class LayerRouter {
 public:
  LayerRouter(const Generation& generation, const TokenGenerator& text, std::int64_t layer)
      : text_(text), layer_(layer) {
    options_.seed = text_hash(fmt::format("{}/route/{}", generation.seed, layer));
  }

  // Calls route(ids, options) for the chunk's place in the bank.
  void operator()(RoutingBank& bank, std::int64_t first, std::int64_t tokens, const auto& route) {
    options_.first_token = first;
    types_.clear();
    for (std::int64_t t = 0; t < tokens; ++t) {
      types_.push_back(text_.labels()[static_cast<std::size_t>(first + t)].type);
    }
    options_.token_types = types_;
    const auto begin = static_cast<std::size_t>((layer_ * bank.num_tokens() + first) * bank.top_k);
    route(std::span(bank.ids).subspan(begin, static_cast<std::size_t>(tokens * bank.top_k)),
          options_);
  }

 private:
  const TokenGenerator& text_;
  std::int64_t layer_;
  RouteOptions options_;
  std::vector<std::uint32_t> types_;
};

// Layers are independent: each thread takes the next one.
void for_each_layer(const Generation& generation, const std::function<void(std::int64_t)>& work) {
  const std::int64_t layers = generation.model.num_moe_layers();
  std::atomic<std::int64_t> next{0};
  const auto worker = [&] {
    for (std::int64_t layer = next++; layer < layers; layer = next++) work(layer);
  };
  std::vector<std::thread> threads;
  for (std::int64_t i = 1; i < std::min(generation.num_threads, layers); ++i) {
    threads.emplace_back(worker);
  }
  worker();
  for (std::thread& thread : threads) thread.join();
}

// All that the layers of banks made together share.
class BankGroup {
 public:
  BankGroup(const Generation& generation, std::span<const GeneratedBank> banks)
      : generation_(generation),
        banks_(banks),
        text_(generation.calibration, generation.model.hidden_size,
              {banks[0].bank.sequences, banks[0].bank.sequence_tokens}, generation.seed),
        balanced_(banks[0].loads.shapes.empty()),
        sample_(fitting_text(generation.model, generation.calibration, balanced_,
                             text_.size().sequence_tokens, generation.seed)),
        rows_(generation.model.name, generation.calibration, sample_.mean_vector(),
              offsets_along_mean(generation.model.moe().router), most_outputs(), generation.seed) {
    for (const GeneratedBank& generated : banks) {
      check_router(generated.model.moe(), RouteOptions{}.phase);  // Here, not in a thread.
      builders_.emplace_back(generated.model, generation.calibration, generated.loads,
                             generation.seed);
    }
  }

  const TokenGenerator& text() const { return text_; }

  void route_layer(std::int64_t layer) const {
    const double depth = relative_depth(layer, generation_.model.num_moe_layers());
    const LayerRows rows = rows_.layer(layer);
    LayerStates fitted(sample_, layer, depth);
    std::vector<RowResponses> sample;
    for (std::int64_t chunk = 0; chunk < fitted.chunks(); ++chunk) {
      sample.push_back(respond(rows, fitted.states(chunk)));
    }
    const std::vector<GeneratedGate> gates = fitted_gates(layer, depth, sample);
    LayerStates served(text_, layer, depth);
    for (std::int64_t chunk = 0; chunk < served.chunks(); ++chunk) {
      const std::int64_t tokens = served.tokens(chunk);
      const bool known = serves_sample() && chunk < std::ssize(sample) &&
                         tokens <= sample[static_cast<std::size_t>(chunk)].tokens;
      const RowResponses own = known ? RowResponses{} : respond(rows, served.states(chunk));
      route_chunk(layer, gates, served.first_token(chunk), tokens,
                  known ? sample[static_cast<std::size_t>(chunk)] : own);
    }
  }

 private:
  std::int64_t most_outputs() const {
    std::int64_t most = 0;
    for (const GeneratedBank& generated : banks_)
      most = std::max(most, gate_outputs(generated.model.moe()));
    return most;
  }

  // Whether gates are fitted on the beginning of the very text that is served.
  bool serves_sample() const {
    return !balanced_ && sample_.size().sequence_tokens == text_.size().sequence_tokens;
  }

  // Gates that differ in top_k alone follow one another and share their logits.
  std::vector<GeneratedGate> fitted_gates(std::int64_t layer, double depth,
                                          const std::vector<RowResponses>& sample) const {
    std::vector<GeneratedGate> gates;
    std::vector<float> logits;
    std::int64_t outputs = 0;
    for (const GateBuilder& builder : builders_) {
      gates.push_back(builder.unfitted(layer, depth));
      if (builder.outputs() != outputs) {
        outputs = builder.outputs();
        logits.resize(static_cast<std::size_t>(sample_.size().sequences *
                                               sample_.size().sequence_tokens * outputs));
        float* to = logits.data();
        for (const RowResponses& chunk : sample) {
          gates.back().logits(chunk, chunk.tokens, to);
          to += chunk.tokens * outputs;
        }
      }
      builder.fit(layer, depth, logits, gates.back());
    }
    return gates;
  }

  void route_chunk(std::int64_t layer, const std::vector<GeneratedGate>& gates, std::int64_t first,
                   std::int64_t tokens, const RowResponses& responses) const {
    LayerRouter place(generation_, text_, layer);
    std::vector<float> logits;
    for (std::size_t i = 0; i < gates.size(); ++i) {
      logits.resize(static_cast<std::size_t>(tokens) * gates[i].row.size());
      gates[i].logits(responses, tokens, logits.data());
      place(banks_[i].bank, first, tokens,
            [&](std::span<std::uint16_t> ids, const RouteOptions& options) {
              route_logits(banks_[i].model.moe(), logits, gates[i].correction, {ids, {}}, options);
            });
    }
  }

  const Generation& generation_;
  std::span<const GeneratedBank> banks_;
  TokenGenerator text_;
  bool balanced_;
  TokenGenerator sample_;
  GateRows rows_;
  std::vector<GateBuilder> builders_;
};

std::string scheme(const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  const char* const scores[] = {"softmax", "sigmoid", "sqrt-softplus", "one"};
  const char* score = scores[static_cast<int>(router.score)];
  std::string text = router.order == SelectionOrder::kScoreThenTopK
                         ? fmt::format("{} then top-{} of {}", score, moe.top_k, gate_outputs(moe))
                         : fmt::format("top-{} of {} then {}", moe.top_k, gate_outputs(moe), score);
  if (router.correction_bias) text += " with correction bias";
  if (router.num_groups > 1) {
    text += fmt::format(" in {} of {} groups", router.top_groups, router.num_groups);
  }
  return text;
}

std::string states_text(const ModelSpec& model, const TokenGenerator& text) {
  return fmt::format("{}; generated hidden states of width {} ({} effective dimensions)",
                     scheme(model.moe()), model.hidden_size,
                     std::min(model.hidden_size, text.dimensions()));
}

}  // namespace

void route_generated(const Generation& generation, std::span<const GeneratedBank> banks) {
  const RoutingCalibration& calibration = generation.calibration;
  const BankGroup group(generation, banks);
  for_each_layer(generation, [&](std::int64_t layer) { group.route_layer(layer); });
  for (const GeneratedBank& generated : banks) {
    generated.bank.origin = RoutingOrigin::kGenerated;
    generated.bank.provenance =
        fmt::format("{} through generated gates and the gate kernel; statistics '{}' ({}), {}: {}",
                    states_text(generated.model, group.text()), calibration.name,
                    calibration.provenance, generated.loads.description, calibration.source);
  }
}

void route_through_real_gates(const Generation& generation, const std::string& path,
                              RoutingBank& bank) {
  RoutingCalibration calibration = generation.calibration;
  calibration.mean_share = 0;
  const ModelSpec& model = generation.model;
  const std::vector<Gate> gates = read_gate_weights(path, model);
  const TokenGenerator text(calibration, model.hidden_size, {bank.sequences, bank.sequence_tokens},
                            generation.seed);
  check_router(model.moe(), RouteOptions{}.phase);  // Here, not in a thread.
  for_each_layer(generation, [&](std::int64_t layer) {
    const Gate& real = gates[static_cast<std::size_t>(layer)];
    const Gate gate{text.dimensions(), text.project(real.view().weight), real.bias,
                    real.correction};
    LayerStates served(text, layer, relative_depth(layer, bank.num_layers));
    LayerRouter place(generation, text, layer);
    for (std::int64_t chunk = 0; chunk < served.chunks(); ++chunk) {
      place(bank, served.first_token(chunk), served.tokens(chunk),
            [&](std::span<std::uint16_t> ids, const RouteOptions& options) {
              route_hidden(model.moe(), gate.view(), served.states(chunk), {ids, {}}, options);
            });
    }
  });
  bank.origin = RoutingOrigin::kGenerated;
  bank.provenance = fmt::format(
      "{} through the real gates of {} and the gate kernel; no load is fitted: locality '{}' ({})",
      states_text(model, text), path, calibration.name, calibration.provenance);
}

}  // namespace moesim
