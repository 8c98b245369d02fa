// The groups that metric_table() is put together from.
#pragma once

#include <vector>

#include "reports/metrics/metric.h"

namespace moesim {

std::vector<MetricRow> request_metrics();
std::vector<MetricRow> measuring_metrics();
std::vector<MetricRow> latency_metrics();
std::vector<MetricRow> throughput_metrics();
std::vector<MetricRow> memory_metrics();
std::vector<MetricRow> time_metrics();
std::vector<MetricRow> communication_metrics();
std::vector<MetricRow> network_metrics();
std::vector<MetricRow> energy_metrics();
std::vector<MetricRow> cost_metrics();
std::vector<MetricRow> model_metrics();
std::vector<MetricRow> routing_metrics();
std::vector<MetricRow> fault_metrics();
std::vector<MetricRow> quality_metrics();

}  // namespace moesim
