// The sites that clusters stand in, and what the model is off by.
#include "hardware/read/profile_reader.h"

namespace moesim {

SiteSpec read_site(const ProfileFile& file, Faults& faults) {
  SiteSpec site;
  site.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return site;
  constexpr double kPerKwh = 1 / 3.6e6;
  constexpr NumberRule kCarbon{Dimension::kCarbonPerEnergy, 1e-4 * kPerKwh, 3 * kPerKwh};
  constexpr NumberRule kPrice{Dimension::kMoneyPerEnergy, 1e-4 * kPerKwh, 10 * kPerKwh, true};
  reader->required_text("title", "what the site is, in words");
  site.pue = reader->required("pue", {std::nullopt, 1, 5});
  site.carbon_kg_per_joule = reader->required("carbon", kCarbon);
  site.electricity_usd_per_joule = reader->required("electricity", kPrice);
  site.facts = reader->finish();
  return site;
}

ModelError read_model_error(const ProfileFile& file, Faults& faults) {
  ModelError error;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return error;
  constexpr NumberRule kFactor{std::nullopt, 0.1, 10};
  reader->required_text("title", "what is off, in words");
  error.step_time = reader->required("step_time", kFactor);
  error.device_power = reader->required("device_power", kFactor);
  error.first_token = reader->required("first_token", kFactor);
  error.facts = reader->finish();
  return error;
}

}  // namespace moesim
