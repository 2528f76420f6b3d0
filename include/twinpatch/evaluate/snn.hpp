// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "twinpatch/evaluate/comparer.hpp"

namespace twinpatch {

/// Matching within images by the ratio to the second nearest neighbour, on PhotoTour ("UBC PhotoTour revisited",
/// Mishkin 2020): every two patches of a point are an anchor and a positive; the anchor's negative is a patch of
/// another point with the same reference image. A pair is right if the positive is at most as far as the negative, and
/// ranked by 1 − smaller/larger distance; average precision of an image, mean over images.
struct SnnPrecision {
  /// With the nearest negative of each anchor.
  double nearest = 0;
  /// As brown_phototour_revisited 0.3.0 computes it, to compare with its tables: the negative of an image of at most
  /// 1,000 patches, and of an image's last N mod 128 anchors, is its first patch, whatever that shows.
  double published = 0;
  std::int64_t images = 0;  ///< that have two patches of a point
  std::int64_t pairs = 0;
};

/// Nothing where scores are no distances, or no image has two patches of a point (as in the folders of `twinpatch
/// dataset`, whose interest.txt names the image that a patch was cut from). `points` and `images` have an entry a
/// patch.
[[nodiscard]] std::optional<SnnPrecision> snn_precision(Comparer& comparer, PatchView patches,
                                                        std::span<const std::int64_t> points,
                                                        std::span<const std::int64_t> images,
                                                        const RunControl& control = {});

}  // namespace twinpatch
