// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "twinpatch/collection/image_pairs.hpp"

// Which images to match, by what is known of them beforehand.

namespace twinpatch {

using Position = std::array<double, 3>;

/// The point of the WGS84 ellipsoid at a latitude and a longitude in degrees, in metres from the Earth's centre
/// (x towards longitude 0, z towards the north pole). Throws InvalidArgument outside [-90, 90] and [-360, 360].
[[nodiscard]] Position ground_position(double latitude, double longitude);

/// Pairs of images at most `radius` apart, sorted, the lower number first; images without a position have none.
[[nodiscard]] std::vector<ImagePair> spatial_pairs(std::span<const std::optional<Position>> positions, double radius);
/// The least distance between two images; nothing with fewer than two positions. Takes a time quadratic in the images.
[[nodiscard]] std::optional<double> least_distance(std::span<const std::optional<Position>> positions);

/// The pairs, and those that are joined by a third image, in so many rounds (COLMAP's transitive matcher): a-b and b-c
/// give a-c. Sorted, the lower number first.
[[nodiscard]] std::vector<ImagePair> transitive_pairs(std::int64_t images, std::span<const ImagePair> pairs,
                                                      int rounds);

/// In how many pairs each image is.
[[nodiscard]] std::vector<std::int64_t> degrees(const PairSelection& pairs);

}  // namespace twinpatch
