// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "list/pair_lists.hpp"

#include <fmt/format.h>

#include <array>
#include <variant>

#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

bool sees_pairs(const Model& model) { return model.spec.coupling == Coupling::two_channel; }
bool is_metric(const Model& model) { return std::holds_alternative<DecisionMetric>(model.spec.decision); }
bool has_layers(const Model& model) { return std::holds_alternative<DecisionLayers>(model.spec.decision); }

// clang-format off
constexpr std::array kStrategies{
    ListStrategyEntry{"a 2-channel network",    sees_pairs, make_two_channel_list},
    ListStrategyEntry{"a distance or a cosine", is_metric,  make_metric_list},
    ListStrategyEntry{"fully connected layers", has_layers, make_head_list},
};
// clang-format on

}  // namespace

std::span<const ListStrategyEntry> list_strategies() { return kStrategies; }

const ListStrategyEntry& choose_list(const Model& model) {
  for (const ListStrategyEntry& entry : kStrategies) {
    if (entry.fits(model)) return entry;
  }
  throw InvalidArgument(fmt::format("network {}: no strategy scores lists of its decision", model.spec.name));
}

}  // namespace twinpatch::cpu
