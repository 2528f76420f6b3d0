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
    {"head", GridDecision::head, kAll, 0, Kernels::library, &make_head_grid},
    {"deep head", GridDecision::deep_head, kAll, 0, Kernels::library, &make_deep_head_grid},
    {"2-channel", GridDecision::two_channel, kAll, 0, Kernels::library, &make_two_channel_grid},
};

}  // namespace

std::span<const GridStrategyRow> grid_strategies() { return kStrategies; }

GridDecision grid_decision(const NetworkSpec& spec) {
  if (spec.coupling == Coupling::two_channel) return GridDecision::two_channel;
  const auto* const decision = std::get_if<DecisionLayers>(&spec.decision);
  if (decision == nullptr) return GridDecision::metric;
  const auto& layers = decision->layers;
  if (layers.size() != 3) return GridDecision::deep_head;
  const auto* const activation = std::get_if<Activation>(&layers[1]);
  const auto* const last = std::get_if<Linear>(&layers[2]);
  const bool relu = activation != nullptr && activation->kind == Activation::Kind::relu;
  return relu && last != nullptr && last->out == 1 ? GridDecision::head : GridDecision::deep_head;
}

const GridStrategyRow& choose_grid_strategy(std::span<const GridStrategyRow> table, const GridTask& task) {
  const Kernels kernels = task.kernels == Kernels::automatic ? Kernels::library : task.kernels;
  for (const GridStrategyRow& row : table) {
    const bool precise =
        std::find(row.precisions.begin(), row.precisions.end(), task.precision) != row.precisions.end();
    if (row.decision == task.decision && precise && row.architecture <= task.architecture && row.kernels == kernels) {
      return row;
    }
  }
  throw DeviceError(fmt::format("no {} kernels for grids of this network in {} on sm_{}", to_string(kernels),
                                to_string(task.precision), task.architecture));
}

}  // namespace twinpatch::cuda
