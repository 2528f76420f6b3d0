// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "random.hpp"
#include "twinpatch/train/augment.hpp"
#include "twinpatch/train/options.hpp"

// How a batch's patches are changed, whatever the batch is of.
namespace twinpatch::train {

/// Streams of random numbers of a step.
enum Stream : std::uint64_t { kDraw = 1, kChange = 2 };

/// Share of a stored patch's side that is seen: a window of the range, uniform in its logarithm, as far as the dataset
/// reaches.
[[nodiscard]] double window_share(const WindowRange& windows, std::optional<float> extent, Random& random);

/// One of the square's symmetries, where the options have them.
[[nodiscard]] SquareSymmetry draw_symmetry(const Augmentation& augmentation, Random& random);

/// A change of one patch: what disturbs each on its own, at `share` of its `width` pixels, and the symmetry.
[[nodiscard]] PatchChange draw_change(const Augmentation& augmentation, SquareSymmetry symmetry, double share,
                                      int width, Random& random);

}  // namespace twinpatch::train
