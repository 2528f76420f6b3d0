// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/strategies.hpp"

#include <fmt/format.h>

#include <array>
#include <variant>

#include "kernels/grid_kernels.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/siamese_grid.hpp"

namespace twinpatch::cpu {
namespace {

bool sees_pairs(const Model& model, const CpuContext& /*context*/) {
  return model.spec.coupling == Coupling::two_channel;
}

bool is_metric(const Model& model, const CpuContext& /*context*/) {
  return std::holds_alternative<DecisionMetric>(model.spec.decision);
}

/// Linear - ReLU - Linear(1).
bool has_two_layers(const Model& model, const CpuContext& /*context*/) {
  const auto* const decision = std::get_if<DecisionLayers>(&model.spec.decision);
  return decision != nullptr && decision->layers.size() == 3 &&
         decision->layers[1] == Layer(Activation{Activation::Kind::relu}) &&
         std::holds_alternative<Linear>(decision->layers[2]);
}

bool is_screened_metric(const Model& model, const CpuContext& context) {
  return context.screen != nullptr && is_metric(model, context) &&
         std::get<DecisionMetric>(model.spec.decision).kind != DecisionMetric::Kind::l1;
}

bool is_screened_head(const Model& model, const CpuContext& context) {
  return context.screen != nullptr && has_two_layers(model, context);
}

bool has_layers(const Model& model, const CpuContext& /*context*/) {
  return std::holds_alternative<DecisionLayers>(model.spec.decision);
}

// clang-format off
constexpr std::array kStrategies{
    GridStrategyEntry{"a 2-channel network",              sees_pairs,         make_two_channel_grid,     two_channel_tile_size},
    GridStrategyEntry{"l2 or a cosine, screened",         is_screened_metric, make_screened_metric_grid, siamese_tile_size},
    GridStrategyEntry{"a distance or a cosine",           is_metric,          make_metric_grid,          siamese_tile_size},
    GridStrategyEntry{"linear - ReLU - linear, screened", is_screened_head,   make_screened_head_grid,   siamese_tile_size},
    GridStrategyEntry{"linear - ReLU - linear",           has_two_layers,     make_two_layer_head_grid,  siamese_tile_size},
    GridStrategyEntry{"fully connected layers",           has_layers,         make_deep_head_grid,       siamese_tile_size},
};
// clang-format on

}  // namespace

std::span<const GridStrategyEntry> grid_strategies() { return kStrategies; }

const GridStrategyEntry& choose_grid(const Model& model, const CpuContext& context,
                                     std::span<const GridStrategyEntry> table) {
  for (const GridStrategyEntry& entry : table) {
    if (entry.fits(model, context)) return entry;
  }
  throw InvalidArgument(fmt::format("network {}: no strategy scores grids of its decision", model.spec.name));
}

Backend::TileSize siamese_tile_size(const Model& model, Extent /*patch*/, std::int64_t memory) {
  // Larger tiles than 16,384 gain nothing, and keep more pages of mapped patches resident while they are described.
  const TileLimits limits{.bytes_per_value = 8,  // rows and the descriptors they were made from
                          .grain = kStripRows,
                          .smallest = 4 * kStripRows,
                          .largest = 16384,
                          .largest_deep = 1024};
  const std::int64_t tile = siamese_tile_rows(model.spec, memory, limits);
  return {tile, tile};
}

}  // namespace twinpatch::cpu
