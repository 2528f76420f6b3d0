// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/strategies.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

constexpr Precision kAll[] = {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16};

// A new kernel is a file in kernels/, a strategy in a file here, and a row.
constexpr GridStrategyRow kStrategies[] = {
    // name        decision                   precisions  from sm_  kernels           made by
    {"metric", GridDecision::metric, kAll, 0, Kernels::library, &make_metric_grid},
    {"sum metric", GridDecision::sum_metric, kAll, 0, Kernels::library, &make_metric_grid},
    {"head", GridDecision::head, kAll, 0, Kernels::library, &make_head_grid},
    {"deep head", GridDecision::deep_head, kAll, 0, Kernels::library, &make_deep_head_grid},
    {"2-channel", GridDecision::two_channel, kAll, 0, Kernels::library, &make_two_channel_grid},
    {"fused metric", GridDecision::metric, kAll, 80, Kernels::fused, &make_fused_metric_grid},
    {"fused sum metric", GridDecision::sum_metric, kAll, 80, Kernels::fused, &make_fused_sum_grid},
    {"fused head", GridDecision::head, kAll, 80, Kernels::fused, &make_fused_head_grid},
    // What is fused here is the same in either case: the sums of halves with ReLU and pooling; the products of deep
    // heads with bias and ReLU. Towers and patches have fused kernels of their own.
    {"deep head", GridDecision::deep_head, kAll, 80, Kernels::fused, &make_deep_head_grid},
    {"2-channel", GridDecision::two_channel, kAll, 80, Kernels::fused, &make_two_channel_grid},
};

const char* words_of(GridDecision decision) {
  switch (decision) {
    case GridDecision::metric:
      return "l2 and cosine";
    case GridDecision::sum_metric:
      return "l1";
    case GridDecision::head:
      return "two-layer decision heads";
    case GridDecision::deep_head:
      return "other decision heads";
    case GridDecision::two_channel:
      break;
  }
  return "2-channel networks";
}

}  // namespace

std::span<const GridStrategyRow> grid_strategies() { return kStrategies; }

GridDecision grid_decision(const NetworkSpec& spec) {
  if (spec.coupling == Coupling::two_channel) return GridDecision::two_channel;
  if (const auto* const metric = std::get_if<DecisionMetric>(&spec.decision)) {
    return metric->kind == DecisionMetric::Kind::l1 ? GridDecision::sum_metric : GridDecision::metric;
  }
  const auto* const decision = std::get_if<DecisionLayers>(&spec.decision);
  const auto& layers = decision->layers;
  if (layers.size() == 1) return GridDecision::head;
  if (layers.size() != 3) return GridDecision::deep_head;
  const auto* const activation = std::get_if<Activation>(&layers[1]);
  const auto* const last = std::get_if<Linear>(&layers[2]);
  const bool relu = activation != nullptr && activation->kind == Activation::Kind::relu;
  return relu && last != nullptr && last->out == 1 ? GridDecision::head : GridDecision::deep_head;
}

const GridStrategyRow& choose_grid_strategy(std::span<const GridStrategyRow> table, const GridTask& task) {
  const auto serves = [&](const GridStrategyRow& row) {
    return row.decision == task.decision && row.architecture <= task.architecture &&
           std::find(row.precisions.begin(), row.precisions.end(), task.precision) != row.precisions.end();
  };
  const auto is_faster = [&](const GridStrategyRow& row) {
    return row.kernels == Kernels::fused &&
           is_measured_faster(task.measured, row.name, task.architecture, task.precision);
  };
  const bool automatic = task.kernels == Kernels::automatic;
  const Kernels wanted = automatic ? Kernels::library : task.kernels;
  const GridStrategyRow* found = nullptr;
  for (const GridStrategyRow& row : table) {
    if (!serves(row)) continue;
    if (automatic && is_faster(row)) return row;
    if (found == nullptr && row.kernels == wanted) found = &row;
  }
  if (found != nullptr) return *found;
  throw DeviceError(fmt::format("no {} kernels for grids of {} in {} on sm_{}{}", to_string(wanted),
                                words_of(task.decision), to_string(task.precision), task.architecture,
                                wanted == Kernels::fused ? ": use --kernels library or auto" : ""));
}

}  // namespace twinpatch::cuda
