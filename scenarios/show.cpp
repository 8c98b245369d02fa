#include "scenarios/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "hardware/hardware_card.h"
#include "hardware/profiles.h"
#include "models/catalog.h"
#include "models/model_card.h"
#include "reports/metrics.h"

namespace moesim {
namespace {

constexpr const char* kHardwareKinds[] = {"devices", "nodes", "fabrics",
                                          "sites",   "links", "families"};

void list_names(const std::string& what) {
  if (what == "models") {
    for (const std::string& name : catalog_names()) std::cout << name << "\n";
  } else if (what == "hardware") {
    for (const char* kind : kHardwareKinds) {
      std::cout << kind << ":\n";
      for (const std::string& name : profile_names(kind)) std::cout << "  " << name << "\n";
    }
  } else {
    for (const Metric& metric : metric_table()) {
      std::cout << fmt::format("{:34} {:12} {}\n", metric.key, metric.unit, metric.meaning);
    }
  }
}

std::vector<std::string> hardware_names() {
  std::vector<std::string> all;
  for (const char* kind : kHardwareKinds) {
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
  const std::string near = did_you_mean(name, names);
  throw InputError({{"", 0, "", name.empty() ? "nothing" : name,
                     (near.empty() ? "" : "did you mean " + near + "? ") +
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

void show(const std::string& name, bool json, bool layers) {
  const auto models = catalog_names();
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".json");
  if (name.ends_with(".yaml") || contains(hardware_names(), name)) {
    const HardwareCard card = load_hardware_card(name);
    std::cout << (json ? facts_json(card.facts).dump(2) + "\n" : hardware_card_text(card));
    return;
  }
  if (!is_path && !contains(models, name)) refuse_unknown(name, models);
  const ModelSpec model = load_model(name);
  std::cout << (json ? model_card_json(model).dump(2) + "\n" : model_card(model, layers));
}

struct ShowArguments {
  std::string name;
  bool json = false;
  bool layers = false;
};

}  // namespace

void add_list(CLI::App& app) {
  CLI::App* command = app.add_subcommand("list", "Names of models, hardware or metrics");
  const auto what = std::make_shared<std::string>();
  command->add_option("WHAT", *what)
      ->required()
      ->check(CLI::IsMember({"models", "hardware", "metrics"}));
  command->callback([what] { list_names(*what); });
}

void add_show(CLI::App& app) {
  CLI::App* command = app.add_subcommand("show", "One model, device, node, fabric or site");
  const auto arguments = std::make_shared<ShowArguments>();
  command->add_option("NAME", arguments->name, "Catalog or profile name, config.json, or .yaml")
      ->required();
  command->add_flag("--json", arguments->json, "As JSON");
  command->add_flag("--layers", arguments->layers, "Layer by layer");
  command->callback([arguments] { show(arguments->name, arguments->json, arguments->layers); });
}

}  // namespace moesim
