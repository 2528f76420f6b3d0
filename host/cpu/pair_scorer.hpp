// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "grid/strategies.hpp"
#include "plan/context.hpp"

namespace twinpatch::cpu {

/// Scores grids by the first strategy of the table that fits the model, and lists likewise; calls take turns. `model`
/// has its batch normalisations folded. Throws InvalidArgument for a model without the weights of its decision.
[[nodiscard]] std::unique_ptr<PairScorer> make_pair_scorer(
    std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model,
    std::span<const GridStrategyEntry> grids = grid_strategies());

}  // namespace twinpatch::cpu
