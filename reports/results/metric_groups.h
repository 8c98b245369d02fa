// The groups that metric_table() is put together from; one file each, in the order of the table.
#pragma once

#include <vector>

#include "reports/results/metrics.h"

namespace moesim {

std::vector<Metric> request_metrics();
std::vector<Metric> latency_metrics();
std::vector<Metric> throughput_metrics();
std::vector<Metric> memory_metrics();
std::vector<Metric> time_metrics();
std::vector<Metric> communication_metrics();
std::vector<Metric> network_metrics();
std::vector<Metric> energy_metrics();
std::vector<Metric> cost_metrics();
std::vector<Metric> model_metrics();
std::vector<Metric> routing_metrics();
std::vector<Metric> fault_metrics();
std::vector<Metric> quality_metrics();

}  // namespace moesim
