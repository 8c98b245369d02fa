// What reports say of routing, for cases and for a router by itself.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/render/html/heat_map.h"
#include "reports/render/html/routing_card_html.h"
#include "reports/render/json/routing_card_json.h"
#include "reports/render/text/routing_card_text.h"
#include "reports/results/case_report_json.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++found;
  return found;
}

TEST(RoutingBasis, TellsMeasurementFromAssumption) {
  const ModelSpec model = examples::model(true);
  const auto basis = [&](const TokenSource& source, RoutingOrigin origin) {
    return routing_basis(model, source, origin);
  };
  TokenSource trained, gated;
  trained.policy = TokenPolicy::kTrained;
  gated.gate = "gates.safetensors";
  EXPECT_EQ(basis({}, RoutingOrigin::kRecorded), "recorded");
  EXPECT_EQ(basis({}, RoutingOrigin::kDrawnFromCounts), "drawn from counts");
  EXPECT_EQ(basis({}, RoutingOrigin::kBaseline), "baseline");
  EXPECT_EQ(basis(trained, RoutingOrigin::kGenerated), "trained");
  EXPECT_EQ(basis(gated, RoutingOrigin::kGenerated), "real gates");
  // Nobody has published how this one routes.
  EXPECT_EQ(basis({}, RoutingOrigin::kGenerated), "assumption");
  EXPECT_THROW(basis_meaning("a guess"), std::logic_error);
}

TEST(CaseRouting, ComesBackFromJsonExactly) {
  CaseReport report;
  CaseRouting& routing = report.routing;
  routing.basis = "trained";
  routing.provenance = "p";
  routing.load = {{0.1 + 0.2, 1.7}};
  routing.layers = {{2, 0.3, 0.6, 0.9, 1.2}};
  routing.dispatch_bytes = {{0, 1}, {2, 0}};
  BalancePeriod period;
  period.steps = 12;
  period.moved = 3;
  period.moved_bytes = Bytes(1e9);
  period.moving = Seconds(0.25);
  routing.periods = {period};
  routing.training = {{100, 4.2, 0.6, 5, 1}};
  const auto json = to_json(report);
  const CaseReport back = case_report_from_json(json);
  EXPECT_EQ(to_json(back).dump(), json.dump());
  EXPECT_EQ(back.routing.load, routing.load);
  EXPECT_EQ(back.routing.periods[0].moved_bytes, Bytes(1e9));
}

TEST(LoadMap, ShowsEveryExpertThatThereIsRoomFor) {
  const Grid load(2, std::vector<double>(8, 1));
  EXPECT_EQ(count(load_map(load), "<td"), 16u);
  EXPECT_EQ(load_map_note(load), "");
}

TEST(TrafficMap, ShowsBytesPerTokenInOneUnit) {
  const std::string map = traffic_map({{0, 3000}, {1000, 0}});
  EXPECT_TRUE(contains(map, "class=\"s6\">3.0<")) << map;
  EXPECT_TRUE(contains(map, ">1.0<"));
  EXPECT_EQ(count(map, "class=\"absent\""), 2u);  // Nobody sends to itself.
  EXPECT_TRUE(contains(traffic_map_note({{0, 3000}, {1000, 0}}), "kB per token"));
}

TEST(TrafficMap, OfManyRanksShowsMeansOverNeighbours) {
  Grid bytes(64, std::vector<double>(64, 2));
  bytes[0] = std::vector<double>(64, 4);
  const std::string map = traffic_map(bytes);
  EXPECT_EQ(count(map, "<td"), 32u * 32u);
  EXPECT_TRUE(contains(map, ">3.0<"));  // Of 4, 4, 2 and 2.
  EXPECT_TRUE(contains(traffic_map_note(bytes), "2 by 2 ranks"));
}

// Four tokens, all with experts 0 and 1 of 8, on two ranks: 0 to 3 and 4 to 7.
Deployment on_two_ranks() {
  Deployment deployment = examples::deployment("moe", true);
  deployment.plan = {.attention_dp = 2, .ep = 2};
  return deployment;
}

TEST(RoutingCard, CountsWhatCanBeCountedByHand) {
  const RoutingCard card = make_routing_card(on_two_ranks(), examples::bank());
  EXPECT_EQ(card.load[0], (std::vector<double>{4, 4, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(card.loads[0].unused_share, 0.75);
  EXPECT_EQ(card.repeats[0].first, 1);  // Every token repeats its neighbour.
  ASSERT_TRUE(card.spread.has_value());
  EXPECT_EQ(card.spread->group_load[0], (std::vector<double>{2, 0}));
  EXPECT_EQ(card.spread->mean_overload, 2);
  // Half of the tokens are on rank 1 and go to rank 0: one copy (normal) or two (low latency).
  const auto& costs = card.spread->costs;
  EXPECT_EQ(costs[0].copies_inside_nodes, 0.5);
  EXPECT_EQ(costs[1].copies_inside_nodes, 1);
  EXPECT_EQ(costs[0].copies_between_nodes, 0);
  // bf16: align16(2 * 1024 + 8 + 8 * 2) = 2,080 bytes there, 2 * 1024 back.
  EXPECT_EQ(costs[0].dispatch, Bytes(0.5 * 2080));
  EXPECT_EQ(costs[0].combine, Bytes(0.5 * 2048));
  EXPECT_EQ(card.spread->dispatch_bytes, (Grid{{0, 0}, {0.5 * 2080, 0}}));
}

TEST(RoutingCard, OnOneRankHasNoTraffic) {
  EXPECT_FALSE(make_routing_card(examples::deployment("moe", true), examples::bank()).spread);
}

TEST(RoutingCard, SaysTheSameInTextJsonAndPage) {
  const RoutingCard card = make_routing_card(on_two_ranks(), examples::bank());
  const auto json = routing_card_json(card);
  EXPECT_EQ(json["tokens"], 4);
  EXPECT_EQ(json["layers"][0]["load_max_over_mean"], 4);
  EXPECT_EQ(json["layers"][0]["ep_overload"], 2);
  EXPECT_EQ(json["expert_parallel"]["dispatch"][0]["dispatch_bytes"], 1040);
  EXPECT_TRUE(contains(routing_card_text(card), "1.04 kB")) << routing_card_text(card);
  EXPECT_TRUE(contains(routing_card_html(card), "data-stat=\"load_max_over_mean\" data-value=\"4"));
}

TEST(RoutingCard, KeepsMarkupInItsPageAsText) {
  RoutingBank bank = examples::bank();
  const std::string evil = "<script>alert('x')</script>";
  bank.provenance = evil;
  Deployment deployment = on_two_ranks();
  deployment.model.name = evil;
  const std::string html = routing_card_html(make_routing_card(deployment, bank));
  EXPECT_FALSE(contains(html, "<script>alert"));
  EXPECT_TRUE(contains(html, "&lt;script&gt;alert"));
}

}  // namespace
}  // namespace moesim
