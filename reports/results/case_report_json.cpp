#include "reports/results/case_report_json.h"

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>

#include "reports/results/case_fields.h"
#include "reports/results/network_json.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
concept Quantity = requires(const T& quantity) {
  { quantity.value() } -> std::convertible_to<double>;
};

bool is_written(Place place, JsonScope scope) {
  if (place == Place::kTransport) return scope == JsonScope::kTransport;
  return place == Place::kEverywhere || scope != JsonScope::kBrief;
}

template <class T>
Json write(const T& value, JsonScope scope);

template <HasFields T>
Json write_fields(const T& value, JsonScope scope) {
  Json json = Json::object();
  for_each_field<T>([&](const auto& field) {
    if (is_written(field.place, scope)) json[field.key] = write(value.*field.member, scope);
  });
  return json;
}

template <HasFields T>
Json write_list(const std::vector<T>& list, JsonScope scope) {
  Json json = Json::array();
  for (const T& item : list) json.push_back(write_fields(item, scope));
  return json;
}

Json write_point(const std::vector<std::pair<std::string, std::string>>& point) {
  Json json = Json::object();
  for (const auto& [path, value] : point) json[path] = value;
  return json;
}

// Columns, not points: shorter, and easy to plot.
Json write_queue(const std::vector<QueuePoint>& queue) {
  Json json = {{"time_s", Json::array()}, {"waiting", Json::array()}, {"running", Json::array()}};
  for (const QueuePoint& point : queue) {
    json["time_s"].push_back(point.time.value());
    json["waiting"].push_back(point.waiting);
    json["running"].push_back(point.running);
  }
  return json;
}

template <class T>
Json write(const T& value, JsonScope scope) {
  if constexpr (HasFields<T>) {
    return write_fields(value, scope);
  } else if constexpr (Quantity<T>) {
    return value.value();
  } else if constexpr (Worded<T>) {
    return word_of(value);
  } else if constexpr (std::is_same_v<T, CaseStatus>) {
    return status_name(value);
  } else if constexpr (std::is_same_v<T, decltype(CaseReport::point)>) {
    return write_point(value);
  } else if constexpr (std::is_same_v<T, CaseMetrics> || std::is_same_v<T, NetworkSummary>) {
    return to_json(value);
  } else if constexpr (std::is_same_v<T, std::vector<QueuePoint>>) {
    return write_queue(value);
  } else if constexpr (std::is_same_v<T, std::vector<CaseReport>>) {
    return write_list(value, scope == JsonScope::kTransport ? scope : JsonScope::kBrief);
  } else if constexpr (requires { requires HasFields<typename T::value_type>; }) {
    return write_list(value, scope);
  } else {
    return value;
  }
}

template <class T>
void read(const Json& json, T& value);

template <HasFields T>
void read_fields(const Json& json, T& value) {
  for_each_field<T>([&](const auto& field) { read(json.at(field.key), value.*field.member); });
}

void read_point(const Json& json, std::vector<std::pair<std::string, std::string>>& point) {
  for (const auto& [path, value] : json.items()) point.emplace_back(path, value);
}

void read_queue(const Json& json, std::vector<QueuePoint>& queue) {
  for (std::size_t i = 0; i < json.at("time_s").size(); ++i)
    queue.push_back({Seconds(json.at("time_s")[i]), json.at("waiting")[i], json.at("running")[i]});
}

template <class T>
void read(const Json& json, T& value) {
  if constexpr (HasFields<T>) {
    read_fields(json, value);
  } else if constexpr (Quantity<T>) {
    value = T(json.get<double>());
  } else if constexpr (Worded<T>) {
    value = from_word<T>(json.get<std::string>()).value();
  } else if constexpr (std::is_same_v<T, CaseStatus>) {
    value = status_named(json.get<std::string>());
  } else if constexpr (std::is_same_v<T, decltype(CaseReport::point)>) {
    read_point(json, value);
  } else if constexpr (std::is_same_v<T, CaseMetrics>) {
    value = case_metrics_from_json(json);
  } else if constexpr (std::is_same_v<T, NetworkSummary>) {
    value = network_from_json(json);
  } else if constexpr (std::is_same_v<T, std::vector<QueuePoint>>) {
    read_queue(json, value);
  } else if constexpr (requires { requires HasFields<typename T::value_type>; }) {
    value.resize(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) read_fields(json[i], value[i]);
  } else {
    value = json.get<T>();
  }
}

}  // namespace

Json to_json(const CaseReport& report, JsonScope scope) {
  return write_fields(report, scope);
}

CaseReport case_report_from_json(const Json& json) {
  CaseReport report;
  read_fields(json, report);
  return report;
}

Json to_json(const CaseMetrics& metrics) {
  Json json = Json::object();
  for (std::size_t i = 0; i < metrics.size(); ++i)
    json[metric_table()[i].key] = metrics[i] ? Json(*metrics[i]) : Json(nullptr);
  return json;
}

CaseMetrics case_metrics_from_json(const Json& json) {
  CaseMetrics metrics;
  if (json.empty()) return metrics;
  for (const MetricRow& row : metric_table()) {
    const Json& value = json.at(row.key);
    metrics.push_back(value.is_null() ? std::nullopt : std::optional<double>(value.get<double>()));
  }
  return metrics;
}

Json to_json(const Fact& fact) {
  return write_fields(fact, JsonScope::kReport);
}

Json to_json(const std::vector<TrainingPoint>& training) {
  return write_list(training, JsonScope::kReport);
}

}  // namespace moesim
