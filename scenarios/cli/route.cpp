#include "scenarios/cli/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "models/config/catalog.h"
#include "models/router/make/bank_cache.h"
#include "models/router/recorded/npy.h"
#include "reports/render/html/routing_card_html.h"
#include "reports/render/json/routing_card_json.h"
#include "reports/render/text/routing_card_text.h"
#include "scenarios/format/read_router.h"
#include "scenarios/sweep/paths.h"
#include "sim/deployment/expert_placement.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxSeed = 1'000'000'000'000;  // As in a scenario.
constexpr std::int64_t kMaxRanks = 256;               // A matrix of their pairs is still a picture.
constexpr std::int64_t kMaxExperts = 100'000;

struct RouteArguments {
  std::string model;
  std::uint64_t seed = 0;
  // As under `router:` of a scenario.
  std::string tokens, domain, trace, gate, alpha;
  std::vector<std::string> training;  // key=value
  std::vector<std::string> changes;   // key=value
  ModelOverrides sizes;
  // Where the experts lie.
  std::int64_t ranks = 1;
  std::int64_t nodes = 1;
  std::int64_t redundant = 0;
  std::string placement = word_of(PlacementPolicy{});
  // What comes out.
  std::string npy;
  std::string html;
  bool json = false;
};

[[noreturn]] void refuse(const std::string& option, const std::string& value,
                         const std::string& allowed) {
  throw InputError({{option, 0, "", value, allowed}});
}

// "aux_loss=0.01" as an entry of a map.
void put(YAML::Node map, const std::string& text, const std::string& option,
         const std::string& example) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    refuse(option, text, "key=value expected, e.g. " + example);
  }
  map[text.substr(0, equals)] = unplaced(parse_document(text.substr(equals + 1), option));
}

// The options as the `router:` of a case would say them, so that they mean and refuse the same.
YAML::Node router_section(const RouteArguments& arguments) {
  YAML::Node router(YAML::NodeType::Map);
  for (const auto& [key, value] :
       {std::pair{"tokens", &arguments.tokens}, std::pair{"alpha", &arguments.alpha},
        std::pair{"domain", &arguments.domain}, std::pair{"trace", &arguments.trace},
        std::pair{"gate", &arguments.gate}}) {
    if (!value->empty()) router[key] = *value;
  }
  for (const std::string& text : arguments.changes) put(router, text, "--set", "score=sigmoid");
  for (const std::string& text : arguments.training) {
    YAML::Node training = router["training"];
    if (!training.IsDefined()) router["training"] = YAML::Node(YAML::NodeType::Map);
    put(router["training"], text, "--train", "aux_loss=0.01");
  }
  return router;
}

// Reads model, sizes and router into a deployment. Throws: InputError with every fault.
void read_routing(const RouteArguments& arguments, Deployment& deployment) {
  deployment.model = load_model(arguments.model);
  if (!deployment.model.is_moe()) refuse("", arguments.model, "a dense model has no router");
  deployment.seed = arguments.seed;
  YAML::Node whole(YAML::NodeType::Map);
  whole["router"] = router_section(arguments);
  Faults faults;
  const Value value(whole, "", "", &faults);
  read_router(value.child(whole["router"], "router"), deployment);
  try {
    deployment.model = with_overrides(deployment.model, arguments.sizes);
  } catch (const std::invalid_argument& e) {
    faults.add({"", 0, "", "", e.what()});
  }
  faults.throw_if_any();
  CheckedFiles checked;
  check_routing(value, deployment, faults, checked);
  faults.throw_if_any();
}

// One rank an EP group, attention copied to each. Throws: InputError with every fault.
void spread_over_ranks(const RouteArguments& arguments, Deployment& deployment) {
  if (arguments.ranks % arguments.nodes != 0) {
    refuse("--nodes", std::to_string(arguments.nodes),
           fmt::format("must divide the {} ranks of --ep", arguments.ranks));
  }
  deployment.placement.policy = from_word<PlacementPolicy>(arguments.placement).value();
  deployment.placement.redundant_experts = arguments.redundant;
  deployment.plan.attention_dp = deployment.plan.ep = arguments.ranks;
  deployment.cluster.nodes = arguments.nodes;
  deployment.cluster.node.devices = arguments.ranks / arguments.nodes;
  const bool fp8 = deployment.model.native_dtype == Dtype::kFp8;
  deployment.dtypes.dispatch = fp8 ? Dtype::kFp8 : Dtype::kBf16;
  auto found = plan_faults(deployment.plan, deployment.model, arguments.ranks, arguments.redundant);
  const auto more =
      placement_faults(deployment.placement, deployment.model, deployment.plan,
                       placement_nodes(deployment.plan, deployment.cluster.node.devices));
  found.insert(found.end(), more.begin(), more.end());
  Faults faults;
  for (const PlanFault& fault : found) {
    const bool is_copies = fault.path == "redundant_experts";
    faults.add({is_copies ? "--redundant" : "--" + fault.path, 0, "", fault.value, fault.allowed});
  }
  faults.throw_if_any();
}

void write_page(const std::string& page, const std::string& file) {
  std::ofstream out(file, std::ios::binary);
  out << page;
  out.flush();
  if (!out) refuse("--html", file, "a file that can be written expected");
}

void route(const RouteArguments& arguments) {
  Deployment deployment;
  read_routing(arguments, deployment);
  spread_over_ranks(arguments, deployment);
  RoutingBank bank = cached_routing_bank(deployment.model, deployment.tokens, deployment.seed);
  if (!arguments.npy.empty()) write_npy(bank, arguments.npy);
  const RoutingCard card = make_routing_card(deployment, std::move(bank));
  if (!arguments.html.empty()) write_page(routing_card_html(card), arguments.html);
  if (arguments.json) {
    std::cout << routing_card_json(card).dump(1) << "\n";
  } else {
    std::cout << routing_card_text(card);
  }
}

void add_source(CLI::App& command, RouteArguments& arguments) {
  command.add_option("--tokens", arguments.tokens, "Where tokens come from (calibrated)")
      ->check(CLI::IsMember(words_of<TokenPolicy>()));
  command.add_option("--alpha", arguments.alpha, "Exponent of --tokens power_law (1)");
  command.add_option("--domain", arguments.domain, "Kind of text, e.g. code");
  command.add_option("--trace", arguments.trace, "Recorded routing: .npy, .jsonl or .csv");
  command.add_option("--gate", arguments.gate, "Real gates: .safetensors, its index or folder");
  command
      .add_option("--train", arguments.training,
                  "Train the gate: key=value of training:, e.g. aux_loss=0.01 (repeatable)")
      ->allow_extra_args(false);
  command
      .add_option("--set", arguments.changes,
                  "key=value of a scenario's router:, e.g. score=sigmoid (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--experts", arguments.sizes.num_experts, "Other number of experts")
      ->check(CLI::Range(std::int64_t{1}, kMaxExperts));
  command.add_option("--top-k", arguments.sizes.top_k, "Other number of experts per token")
      ->check(CLI::Range(std::int64_t{1}, kMaxExperts));
}

void add_layout(CLI::App& command, RouteArguments& arguments) {
  command.add_option("--ep", arguments.ranks, "Ranks that the experts are spread over (1)")
      ->check(CLI::Range(std::int64_t{1}, kMaxRanks));
  command.add_option("--nodes", arguments.nodes, "Nodes of these ranks (1)")
      ->check(CLI::Range(std::int64_t{1}, kMaxRanks));
  command.add_option("--placement", arguments.placement, "How the experts are placed (linear)")
      ->check(CLI::IsMember(words_of<PlacementPolicy>()));
  command.add_option("--redundant", arguments.redundant, "Further copies of hot experts (0)")
      ->check(CLI::Range(std::int64_t{0}, kMaxExperts));
}

}  // namespace

void add_route(CLI::App& app) {
  const auto arguments = std::make_shared<RouteArguments>();
  CLI::App* command =
      app.add_subcommand("route", "Route tokens through a model's router; show what it does");
  command->add_option("MODEL", arguments->model, "Catalog name or config.json")->required();
  command->add_option("--seed", arguments->seed, "Seed (0)")
      ->check(CLI::Range(std::int64_t{0}, kMaxSeed));
  add_source(*command, *arguments);
  add_layout(*command, *arguments);
  command->add_option("--out", arguments->npy, "Write the ids as NumPy [tokens, layers, top_k]");
  command->add_option("--html", arguments->html, "Write a page with heat maps and tables");
  command->add_flag("--json", arguments->json, "Print JSON instead of tables");
  command->callback([arguments] { route(*arguments); });
}

}  // namespace moesim
