// The sites of clusters, and the errors of the model.
#include "hardware/read/profile_tables.h"

namespace moesim {
namespace {

constexpr double kPerKwh = 1 / 3.6e6;
constexpr form::Quantity kCarbonOfEnergy{
    .dimension = Dimension::kCarbonPerEnergy, .max = 3 * kPerKwh, .min = 1e-4 * kPerKwh};
constexpr form::Quantity kPrice{
    .dimension = Dimension::kMoneyPerEnergy, .max = 10 * kPerKwh, .min = 1e-4 * kPerKwh};
constexpr form::Number kFactor{0.1, 10};

using S = SiteSpec;
using E = ModelError;
using enum Enters;

}  // namespace

const ProfileKeys<SiteSpec>& site_profile_keys() {
  static const ProfileKeys<S> kKeys = {
      note<S>("title", "The site in words"),
      uncertain(kEnergy, key(&S::pue, "pue", form::Number{1, 5}, kRequired,
                             "Power usage effectiveness: energy of the site over that of its "
                             "machines")),
      uncertain(kCarbon, key(&S::carbon_kg_per_joule, "carbon", kCarbonOfEnergy, kRequired,
                             "Carbon intensity of its electricity")),
      price(key(&S::electricity_usd_per_joule, "electricity", kPrice, kRequired,
                "Price of its electricity"))};
  return kKeys;
}

const ProfileKeys<ModelError>& error_keys() {
  static const ProfileKeys<E> kKeys = {
      note<E>("title", "The prediction in words"),
      uncertain(kTime, key(&E::step_time, "step_time", kFactor, kRequired,
                           "True over predicted time of an engine step")),
      uncertain(kEnergy, key(&E::device_power, "device_power", kFactor, kRequired,
                             "True over predicted power of a device")),
      uncertain(kFirstToken, key(&E::first_token, "first_token", kFactor, kRequired,
                                 "True over predicted wait for the first token, beside the error "
                                 "of the steps"))};
  return kKeys;
}

const ProfileKeys<TableError>& table_error_keys() {
  static const ProfileKeys<TableError> kKeys = {
      note<TableError>("title", "The tables in words"),
      uncertain(kTime, key(&TableError::kernel_time, "kernel_time", kFactor, kRequired,
                           "True over measured time of the kernels of a table"))};
  return kKeys;
}

SiteSpec read_site(const ProfileFile& file, Faults& faults) {
  return read_profile(file, site_profile_keys(), faults);
}

ModelError read_model_error(const ProfileFile& file, Faults& faults) {
  return read_profile(file, error_keys(), faults);
}

TableError read_table_error(const ProfileFile& file, Faults& faults) {
  return read_profile(file, table_error_keys(), faults);
}

}  // namespace moesim
