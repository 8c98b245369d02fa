#include "scenarios/cli/commands/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "hardware/network/cluster_check.h"
#include "hardware/network/network_bill.h"
#include "hardware/read/hardware_card.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"
#include "models/spec/model_card.h"
#include "models/spec/model_formats.h"
#include "models/work/kernel_shapes.h"
#include "scenarios/cli/commands/exit_code.h"

namespace moesim {
namespace {

std::vector<std::string> hardware_names() {
  std::vector<std::string> all;
  for (const char* kind : kProfileKinds) {
    const auto names = profile_names(kind);
    all.insert(all.end(), names.begin(), names.end());
  }
  return all;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void refuse_unknown(const std::string& name, std::vector<std::string> names) {
  const auto hardware = hardware_names();
  names.insert(names.end(), hardware.begin(), hardware.end());
  throw InputError({{"", 0, "", name.empty() ? "nothing" : name,
                     nearest_text(name, names) +
                         "no model or hardware of this name; see list models, list hardware, or "
                         "give a path"}});
}

nlohmann::ordered_json facts_json(const std::vector<Fact>& facts) {
  nlohmann::ordered_json json;
  for (const Fact& fact : facts) {
    json[fact.path] = {
        {"value", fact.text}, {"source", fact.source}, {"confidence", fact.confidence}};
  }
  return json;
}

// So many devices on a fabric; by default those that such a network is built for.
ClusterSpec cluster_on(const FabricSpec& fabric, const ShowArguments& arguments) {
  const bool is_torus = fabric.kind == FabricKind::kTorus;
  const std::string node =
      is_torus ? (fabric.dimensions == 2 ? "tpu-v5e-1x" : "tpu-v5p-1x") : "dgx-h100";
  ClusterSpec cluster;
  cluster.fabric = fabric;
  cluster.node = load_node(arguments.node.empty() ? node : arguments.node);
  const std::int64_t devices = arguments.gpus > 0 ? arguments.gpus : (is_torus ? 64 : 1024);
  cluster.nodes = devices / cluster.node.devices;
  if (devices % cluster.node.devices != 0 || cluster.nodes < 2) {
    throw InputError({{"--gpus", 0, "", std::to_string(devices),
                       fmt::format("a multiple of the {} devices of {}, two nodes or more",
                                   cluster.node.devices, cluster.node.name)}});
  }
  const auto wrong = cluster_faults(cluster);
  if (!wrong.empty()) {
    throw InputError(
        {{"--gpus", 0, wrong.front().path, wrong.front().value, wrong.front().allowed}});
  }
  return cluster;
}

nlohmann::ordered_json network_json(const ClusterSpec& cluster, const NetworkBill& bill) {
  nlohmann::ordered_json json = {{"node", cluster.node.name},
                                 {"nodes", bill.nodes},
                                 {"devices", bill.devices},
                                 {"nics", bill.nics},
                                 {"nic_bandwidth_bytes_per_s", bill.nic_bandwidth.value()},
                                 {"switches", bill.switches},
                                 {"switch_ports", bill.switch_ports},
                                 {"switch_ports_used", bill.switch_ports_used},
                                 {"cables", bill.cables},
                                 {"optic_ends", bill.optic_ends},
                                 {"links", bill.links},
                                 {"first_link", bill.first_link},
                                 {"last_link", bill.last_link},
                                 {"bisection_bytes_per_s", bill.bisection.value()},
                                 {"bisection_share", bill.bisection_share},
                                 {"nic_power_w", bill.nic_power.value()},
                                 {"switch_power_w", bill.switch_power.value()},
                                 {"optic_power_w", bill.optic_power.value()},
                                 {"power_w", bill.power().value()}};
  if (bill.price_usd() > 0) {
    json["switch_price_usd"] = bill.switch_price_usd;
    json["optic_price_usd"] = bill.optic_price_usd;
    json["price_usd"] = bill.price_usd();
    json["price_date"] = bill.price_date;
  }
  return json;
}

void show_hardware(const ShowArguments& arguments) {
  const HardwareCard card = load_hardware_card(arguments.name);
  const bool is_fabric =
      card.kind == "fabrics" && load_fabric(arguments.name).kind != FabricKind::kNone;
  if (!is_fabric && (arguments.gpus > 0 || !arguments.node.empty())) {
    throw InputError(
        {{"--gpus, --node", 0, "", arguments.name, "for a fabric between nodes only"}});
  }
  nlohmann::ordered_json json = facts_json(card.facts);
  std::string text = hardware_card_text(card);
  if (is_fabric) {
    const ClusterSpec cluster = cluster_on(load_fabric(arguments.name), arguments);
    const NetworkBill bill = network_bill(cluster);
    json["network"] = network_json(cluster, bill);
    text += fmt::format("\nnetwork of {} devices in {} x {}\n", bill.devices, bill.nodes,
                        cluster.node.name) +
            network_bill_text(bill);
  }
  std::cout << (arguments.json ? json.dump(2) + "\n" : text);
}

void show_named(const ShowArguments& arguments) {
  const std::string& name = arguments.name;
  const auto models = catalog_names();
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".json");
  if (name.ends_with(".yaml") || contains(hardware_names(), name)) return show_hardware(arguments);
  if (!is_path && !known_model(name)) refuse_unknown(name, models);
  const ModelSpec model = load_model(name);
  std::cout << (arguments.json ? model_card_json(model).dump(2) + "\n"
                               : model_card(model, arguments.layers));
}

// The format that an option names, if it is given.
template <class Format>
std::optional<Format> format_of(const std::string& option, const std::string& name,
                                Faults& faults) {
  if (name.empty()) return std::nullopt;
  const auto format = from_word<Format>(name);
  if (!format) faults.add({option, 0, "", name, "one of " + comma_list(words_of<Format>())});
  return format;
}

void show_kernels(const ShowArguments& arguments) {
  ModelSpec model = load_model(arguments.name);
  ParallelPlan plan = arguments.plan;
  plan.moe_tp = model.is_moe() ? std::max<std::int64_t>(1, plan.stage_ranks() / plan.ep) : 1;
  Faults faults;
  DtypePlan dtypes;
  dtypes.weights = format_of<FormatName>("--weights", arguments.weights, faults);
  dtypes.experts = format_of<FormatName>("--experts", arguments.experts, faults);
  dtypes.kv = format_of<Dtype>("--kv", arguments.kv, faults).value_or(model.kv_dtype);
  for (const PlanFault& fault : plan_faults(plan, model, plan.total_ranks(), 0)) {
    faults.add({"--" + fault.path, 0, "", fault.value, fault.allowed});
  }
  faults.throw_if_any();
  model = in_formats(std::move(model), dtypes);
  std::cout << kernel_shapes_csv(kernel_shapes(model, plan, dtypes));
}

}  // namespace

int show_command(const ShowArguments& arguments) {
  if (arguments.kernels) {
    show_kernels(arguments);
  } else {
    show_named(arguments);
  }
  return kExitDone;
}

}  // namespace moesim
