// Where the devices' time goes, and what crosses their links.
#include "reports/metrics/accounting.h"
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

constexpr std::size_t at(Activity activity) {
  return static_cast<std::size_t>(activity);
}

template <Activity A>
Out seconds(In in) {
  if (!in.summary) return std::nullopt;
  return device_time(in).seconds[at(A)];
}

template <Activity A>
Out share(In in) {
  if (!in.summary) return std::nullopt;
  const DeviceTime time = device_time(in);
  return quotient(time.seconds[at(A)], time.total());
}

Out used_share(In in) {
  if (!in.summary) return std::nullopt;
  const DeviceTime time = device_time(in);
  return quotient(time.busy(), time.total());
}

Out allocated_share(In in) {
  if (!in.summary) return std::nullopt;
  const DeviceTime time = device_time(in);
  return quotient(time.total() - time.unallocated, time.total());
}

Out unused_share(In in) {
  const Out used = used_share(in);
  if (!used) return std::nullopt;
  return 1 - *used;
}

// Without a table the answer is 0, not absent: nothing rests on measurements.
Out measured_share(In in) {
  if (!in.summary) return std::nullopt;
  double measured = 0, kernels = 0;
  for (const DeviceLedger& device : in.summary->devices) {
    measured += device.measured.value();
    kernels += (device.time[at(Activity::kCompute)] + device.time[at(Activity::kMemory)]).value();
  }
  return quotient(measured, kernels);
}

Out communication_of_busy(In in) {
  if (!in.summary) return std::nullopt;
  const DeviceTime time = device_time(in);
  return quotient(time.seconds[at(Activity::kCommunication)], time.busy());
}

template <auto Kind>
Out traffic(In in) {
  if (!in.summary) return std::nullopt;
  return (in.summary->traffic.*Kind).value();
}

Out traffic_total(In in) {
  if (!in.summary) return std::nullopt;
  const TrafficTotals& t = in.summary->traffic;
  return (t.tensor_parallel + t.dispatch + t.combine + t.pipeline + t.weight_moves + t.kv_transfer)
      .value();
}

Out kv_transfer(In in) {
  if (!in.summary || !in.summary->prefill) return std::nullopt;
  return in.summary->traffic.kv_transfer.value();
}

Out kv_handover(In in) {
  if (!in.summary || !in.summary->prefill) return std::nullopt;
  return in.summary->prefill->handover_s.mean;
}

Out traffic_per_token(In in) {
  const Out total = traffic_total(in);
  if (!total) return std::nullopt;
  return quotient(*total, static_cast<double>(in.summary->output_tokens_done));
}

template <auto Kind>
Out kind_per_token(In in) {
  if (!in.summary) return std::nullopt;
  return quotient((in.summary->traffic.*Kind).value(),
                  static_cast<double>(in.summary->output_tokens_done));
}

// Mean rate that one device sends at.
template <auto Kind>
Out device_rate(In in) {
  if (!in.summary) return std::nullopt;
  const double device_seconds =
      static_cast<double>(in.deployment.cluster.num_devices()) * in.summary->horizon.value();
  return quotient((in.summary->traffic.*Kind).value(), device_seconds);
}

}  // namespace

std::vector<MetricRow> time_metrics() {
  const std::string g = "time";
  using A = Activity;
  const std::string sum = "Time of all devices ";
  const std::string part = "The same as a share of devices times measured time.";
  return {
      {kTimeCompute, "time_compute_s", "compute", g, "s",
       sum + "in kernels that arithmetic bounds.", seconds<A::kCompute>},
      {kTimeMemory, "time_memory_s", "memory", g, "s",
       sum + "in kernels that memory bandwidth bounds.", seconds<A::kMemory>},
      {kTimeCommunication, "time_communication_s", "communication", g, "s",
       sum + "in collectives and transfers.", seconds<A::kCommunication>},
      {kTimeOverhead, "time_overhead_s", "overhead", g, "s",
       sum + "in launches and host work of a step.", seconds<A::kOverhead>},
      {kTimeImbalanceWait, "time_imbalance_wait_s", "imbalance wait", g, "s",
       sum + "waiting for a peer with more tokens or a fuller batch.", seconds<A::kImbalanceWait>},
      {kTimeIdle, "time_idle_s", "idle", g, "s", sum + "with a rank but nothing to do.",
       seconds<A::kIdle>},
      {kTimeUnallocated, "time_unallocated_s", "unallocated", g, "s",
       sum + "of the cluster that no rank uses.",
       [](In in) -> Out { return in.summary ? Out(device_time(in).unallocated) : std::nullopt; }},
      {kTimeComputeShare, "time_compute_share", "compute", g, "share", part, share<A::kCompute>},
      {kTimeMemoryShare, "time_memory_share", "memory", g, "share", part, share<A::kMemory>},
      {kTimeCommunicationShare, "time_communication_share", "communication", g, "share", part,
       share<A::kCommunication>},
      {kTimeOverheadShare, "time_overhead_share", "overhead", g, "share", part,
       share<A::kOverhead>},
      {kTimeImbalanceWaitShare, "time_imbalance_wait_share", "imbalance wait", g, "share", part,
       share<A::kImbalanceWait>},
      {kTimeIdleShare, "time_idle_share", "idle", g, "share", part, share<A::kIdle>},
      {kTimeUnallocatedShare, "time_unallocated_share", "unallocated", g, "share", part,
       [](In in) -> Out {
         const Out allocated = allocated_share(in);
         return allocated ? Out(1 - *allocated) : std::nullopt;
       }},
      {kDeviceTimeUsedShare, "device_time_used_share", "device time used", g, "share",
       "Compute, memory, communication and overhead over all device time that is paid for.",
       used_share},
      {kDeviceTimeAllocatedShare, "device_time_allocated_share", "device time allocated", g,
       "share", "Device time with a rank, busy or not, over all device time that is paid for.",
       allocated_share},
      {kDeviceTimeIdleShare, "device_time_idle_share", "device time not used", g, "share",
       "Waiting, idle and unallocated time over all device time that is paid for.", unused_share},
      {kKernelTimeMeasuredShare, "kernel_time_measured_share", "kernel time from measured tables",
       g, "share", "Of compute and memory time: in kernels timed by the profile's measured tables.",
       measured_share},
  };
}

std::vector<MetricRow> communication_metrics() {
  const std::string g = "communication";
  using T = TrafficTotals;
  const std::string per_token = "The part of this kind in the communication per output token.";
  return {
      {kCommTensorParallelBytes, "comm_tensor_parallel_bytes", "tensor parallel", g, "B",
       "Sent in all-reduce, all-gather and reduce-scatter.", traffic<&T::tensor_parallel>},
      {kCommDispatchBytes, "comm_dispatch_bytes", "expert dispatch", g, "B",
       "Sent as tokens to their experts.", traffic<&T::dispatch>},
      {kCommCombineBytes, "comm_combine_bytes", "expert combine", g, "B",
       "Sent as expert results back to the tokens.", traffic<&T::combine>},
      {kCommPipelineBytes, "comm_pipeline_bytes", "pipeline", g, "B", "Sent from stage to stage.",
       traffic<&T::pipeline>},
      {kCommWeightMovesBytes, "comm_weight_moves_bytes", "expert weights moved", g, "B",
       "Sent as weights of experts that change devices when they are rebalanced.",
       traffic<&T::weight_moves>},
      {kKvTransferBytes, "kv_transfer_bytes", "KV caches moved", g, "B",
       "Sent as KV caches from prefill to decode replicas; absent without separate pools.",
       kv_transfer},
      {kKvHandoverMean, "kv_handover_mean_s", "KV handover, mean", g, "s",
       "From the first token until the KV cache is on a decode replica, waiting for blocks "
       "included; absent without separate pools.",
       kv_handover},
      {kCommTotalBytes, "comm_total_bytes", "communication", g, "B",
       "Sent by all devices, every kind.", traffic_total},
      {kCommBytesPerOutputToken, "comm_bytes_per_output_token", "communication per output token", g,
       "B", "Sent by all devices, every kind, over the output tokens.", traffic_per_token},
      {kCommTensorParallelBytesPerOutputToken, "comm_tensor_parallel_bytes_per_output_token",
       "tensor parallel per output token", g, "B", per_token, kind_per_token<&T::tensor_parallel>},
      {kCommDispatchBytesPerOutputToken, "comm_dispatch_bytes_per_output_token",
       "expert dispatch per output token", g, "B", per_token, kind_per_token<&T::dispatch>},
      {kCommCombineBytesPerOutputToken, "comm_combine_bytes_per_output_token",
       "expert combine per output token", g, "B", per_token, kind_per_token<&T::combine>},
      {kCommPipelineBytesPerOutputToken, "comm_pipeline_bytes_per_output_token",
       "pipeline per output token", g, "B", per_token, kind_per_token<&T::pipeline>},
      {kCommWeightMovesBytesPerOutputToken, "comm_weight_moves_bytes_per_output_token",
       "expert weights moved per output token", g, "B", per_token,
       kind_per_token<&T::weight_moves>},
      {kCommScaleUpSentBytes, "comm_scale_up_sent_bytes", "scale-up sent", g, "B",
       "Sent through the links inside nodes.", traffic<&T::scale_up_sent>},
      {kCommScaleUpReceivedBytes, "comm_scale_up_received_bytes", "scale-up received", g, "B",
       "Received through the links inside nodes.", traffic<&T::scale_up_received>},
      {kCommScaleOutSentBytes, "comm_scale_out_sent_bytes", "scale-out sent", g, "B",
       "Sent through the network between nodes.", traffic<&T::scale_out_sent>},
      {kCommScaleOutReceivedBytes, "comm_scale_out_received_bytes", "scale-out received", g, "B",
       "Received through the network between nodes.", traffic<&T::scale_out_received>},
      {kCommScaleUpBytesPerSecond, "comm_scale_up_bytes_per_s", "scale-up rate per device", g,
       "B/s", "Sent inside nodes, mean over devices and measured time.",
       device_rate<&T::scale_up_sent>},
      {kCommScaleOutBytesPerSecond, "comm_scale_out_bytes_per_s", "scale-out rate per device", g,
       "B/s", "Sent between nodes, mean over devices and measured time.",
       device_rate<&T::scale_out_sent>},
      {kCommShareOfBusyTime, "comm_share_of_busy_time", "communication of busy time", g, "share",
       "Communication time over compute, memory, communication and overhead time.",
       communication_of_busy},
  };
}

}  // namespace moesim
