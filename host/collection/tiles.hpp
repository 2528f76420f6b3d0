// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// The images from `first` on in tiles: neighbours while their keypoints fit; an image with more than fit is a tile of
/// its own.
[[nodiscard]] std::vector<ImageRange> cut_tiles(const std::vector<PlannedImage>& images, std::int64_t tile_keypoints,
                                                std::int32_t first = 0);

/// Counts the pairs that a block has from now on, and their comparisons.
void count_pairs(Block& block, const std::vector<ImagePair>& pairs, const std::vector<PlannedImage>& images);

/// Adds a block of this generation for every two tiles that share a pair and have none: rows fixed, columns streamed
/// there and back again, so that what was used last is used first.
void add_blocks(CollectionPlan& plan, const PairSelection& pairs, int generation);

}  // namespace twinpatch
