// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "grid/strategies.hpp"

namespace twinpatch::cuda {

/// The scorer of one network on one device. `strategies`: the table that its grid strategy is chosen from.
[[nodiscard]] std::unique_ptr<PairScorer> make_device_scorer(std::shared_ptr<Device> device,
                                                             std::shared_ptr<const Model> model,
                                                             std::span<const GridStrategyRow> strategies);

}  // namespace twinpatch::cuda
