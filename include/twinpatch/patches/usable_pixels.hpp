// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// Most a pixel of float patches may be, either way: far beyond any grey level, and what a network's weights are
/// checked for (check_activation_bounds).
inline constexpr float kLargestPixel = 1e6F;

/// The first patch of floats with a pixel that is not finite or beyond ±kLargestPixel; -1 where there is none, as in
/// grey levels. Networks would make a number of it: ReLU and pooling keep the larger of NaN and 0.
[[nodiscard]] std::int64_t first_unusable_patch(PatchView patches);

}  // namespace twinpatch
