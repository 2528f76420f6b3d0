// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch::dataset {

/// 4×4 cells of 8 directions of a patch's gradients, of unit length: a plain measure of likeness that owes nothing to
/// the networks that are trained on its lists.
using GradientHistogram = std::array<float, 128>;

/// `patch`: 64×64 grey levels.
[[nodiscard]] GradientHistogram gradient_histogram(const std::uint8_t* patch);
[[nodiscard]] std::vector<GradientHistogram> gradient_histograms(PatchView patches, ThreadPool& pool);
/// 1: alike, 0: nothing in common.
[[nodiscard]] float similarity(const GradientHistogram& a, const GradientHistogram& b);
/// Standard deviation of the grey levels.
[[nodiscard]] double contrast(const std::uint8_t* patch);

}  // namespace twinpatch::dataset
