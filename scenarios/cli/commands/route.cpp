#include "scenarios/cli/commands/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "models/config/catalog.h"
#include "models/router/make/bank_cache.h"
#include "models/router/recorded/npy.h"
#include "models/spec/model_formats.h"
#include "reports/render/html/routing_card_html.h"
#include "reports/render/json/routing_card_json.h"
#include "reports/render/text/routing_card_text.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/format/read_router.h"
#include "scenarios/sweep/paths.h"
#include "sim/deployment/expert_placement.h"

namespace moesim {
namespace {

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
  deployment.seed = static_cast<std::uint64_t>(arguments.seed);
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
  if (!arguments.placement.empty()) {
    deployment.placement.policy = from_word<PlacementPolicy>(arguments.placement).value();
  }
  deployment.placement.redundant_experts = arguments.redundant;
  deployment.plan.attention_dp = deployment.plan.ep = arguments.ranks;
  deployment.cluster.nodes = arguments.nodes;
  deployment.cluster.node.devices = arguments.ranks / arguments.nodes;
  deployment.dtypes.dispatch = usual_dispatch(deployment.model);
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

}  // namespace

int route_command(const RouteArguments& arguments) {
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
  return kExitDone;
}

}  // namespace moesim
