// The fields of a case in report.json and sweep.db.
#pragma once

#include "reports/results/case_report.h"
#include "reports/results/fields.h"

namespace moesim {

template <>
struct Fields<Fact> {
  static constexpr std::tuple kAll{
      Field("path", &Fact::path, "Profile and key."),
      Field("text", &Fact::text, "The value as the profile writes it."),
      Field("source", &Fact::source), Field("confidence", &Fact::confidence),
      Field("enters", &Fact::enters, "", Place::kTransport)};
};

template <>
struct Fields<LayerRouting> {
  static constexpr std::tuple kAll{
      Field("load_max_over_mean", &LayerRouting::max_over_mean),
      Field("load_gini", &LayerRouting::gini), Field("load_cv", &LayerRouting::cv),
      Field("load_entropy", &LayerRouting::entropy), Field("ep_overload", &LayerRouting::overload)};
};

template <>
struct Fields<BalancePeriod> {
  static constexpr std::tuple kAll{Field("replica", &BalancePeriod::replica),
                                   Field("stage", &BalancePeriod::stage),
                                   Field("steps", &BalancePeriod::steps),
                                   Field("ep_overload", &BalancePeriod::overload),
                                   Field("moved_experts", &BalancePeriod::moved),
                                   Field("moved_bytes", &BalancePeriod::moved_bytes),
                                   Field("moving_s", &BalancePeriod::moving)};
};

template <>
struct Fields<TrainingPoint> {
  static constexpr std::tuple kAll{Field("step", &TrainingPoint::step),
                                   Field("load_max_over_mean", &TrainingPoint::max_over_mean),
                                   Field("load_gini", &TrainingPoint::gini),
                                   Field("dead_experts", &TrainingPoint::dead_experts),
                                   Field("task_loss", &TrainingPoint::task_loss)};
};

template <>
struct Fields<CaseRouting> {
  static constexpr std::tuple kAll{
      Field("basis", &CaseRouting::basis, "Source of the routing, in a word or two."),
      Field("provenance", &CaseRouting::provenance, "The same in a sentence."),
      Field("expert_load", &CaseRouting::load, "", Place::kDetail),
      Field("layers", &CaseRouting::layers),
      Field("dispatch_bytes_per_token", &CaseRouting::dispatch_bytes, "", Place::kDetail),
      Field("rebalancing", &CaseRouting::periods, "", Place::kDetail),
      Field("training", &CaseRouting::training, "", Place::kDetail)};
};

template <>
struct Fields<CaseQuality> {
  static constexpr std::tuple kAll{
      Field("law", &CaseQuality::law, "Scaling law of the predicted loss."),
      Field("training_tokens", &CaseQuality::training_tokens, "How many, and who says so."),
      Field("training_tokens_assumed", &CaseQuality::tokens_assumed),
      Field("outside_the_law", &CaseQuality::outside,
            "Sizes outside the range of the law's experiments.")};
};

// All but the samples.
template <>
struct Fields<CaseReport> {
  static constexpr const char* kCurve = "At percentiles 0 to 100.";
  static constexpr std::tuple kAll{
      Field("name", &CaseReport::name),
      Field("point", &CaseReport::point),
      Field("status", &CaseReport::status),
      Field("reason", &CaseReport::reason, "Why it did not run."),
      Field("remedy", &CaseReport::remedy, "A change with which the case would run."),
      Field("model", &CaseReport::model),
      Field("hardware", &CaseReport::hardware),
      Field("layout", &CaseReport::layout),
      Field("is_moe", &CaseReport::is_moe),
      Field("confidence", &CaseReport::confidence,
            "Share of the samples in which it must keep its SLO to be recommended."),
      Field("not_modelled", &CaseReport::not_modelled,
            "What the model has and the numbers leave out."),
      Field("twin_of", &CaseReport::twin_of, "The MoE case whose dense twin it is."),
      Field("twin_match", &CaseReport::twin_match, "The size or quality that the twin shares."),
      Field("metrics", &CaseReport::metrics),
      Field("network", &CaseReport::network),
      Field("quality", &CaseReport::quality),
      Field("notes", &CaseReport::notes, "What its files say and nobody used."),
      Field("routing", &CaseReport::routing),
      Field("ttft_curve_s", &CaseReport::ttft_curve_s, kCurve, Place::kDetail),
      Field("tpot_curve_s", &CaseReport::tpot_curve_s, kCurve, Place::kDetail),
      Field("e2e_curve_s", &CaseReport::e2e_curve_s, kCurve, Place::kDetail),
      Field("queue", &CaseReport::queue, "", Place::kDetail),
      Field("facts", &CaseReport::facts, "", Place::kTransport),
      Field("baselines", &CaseReport::baselines, "The same with simpler routing.")};
};

}  // namespace moesim
