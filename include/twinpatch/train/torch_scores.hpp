// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "twinpatch/net/model.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// Scores of pairs (left i, right i) by the trainer's form of the network, in inference mode. For tests that
/// training and inference agree. Patches u8 (normalised by the network's rule) or f32 (fed unchanged).
[[nodiscard]] std::vector<float> torch_scores(const Model& model, PatchView left, PatchView right);

/// Scores of every left against every right [left, right], by the factored head that training uses. Only for networks
/// whose branch takes one patch.
[[nodiscard]] std::vector<float> torch_grid_scores(const Model& model, PatchView left, PatchView right);

}  // namespace twinpatch
