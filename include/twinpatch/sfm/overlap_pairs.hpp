// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "twinpatch/collection/image_pairs.hpp"
#include "twinpatch/sfm/colmap_model.hpp"

namespace twinpatch {

/// Pairs of images whose views overlap, by the poses, lenses and points of a model: of the points in view of one image,
/// at least `share` are in view of the other too, seen from a direction at most 60 degrees off. In view is what lies in
/// front of the camera and inside the picture; nothing is known of what hides it, and no image need have been matched.
/// Models of more than 20,000 points are represented by as many of them. `model_images`: for each image its id in the
/// model; nothing: it has no pose, and gets no pairs. Sorted, the lower number first.
[[nodiscard]] std::vector<ImagePair> overlapping_pairs(const ColmapModel& model,
                                                       std::span<const std::optional<std::uint32_t>> model_images,
                                                       double share);

}  // namespace twinpatch
