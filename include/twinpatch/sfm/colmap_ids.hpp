// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace twinpatch {

/// Primary key of COLMAP's table `images`: 1 to 2147483646.
enum class ColmapImageId : std::uint32_t {};

/// Two different images, the smaller id first: the order in which COLMAP stores a pair.
struct ColmapPair {
  ColmapImageId first{};
  ColmapImageId second{};
  friend auto operator<=>(const ColmapPair&, const ColmapPair&) = default;
};

/// COLMAP's key of a pair, 2147483647 · smaller + larger (src/colmap/util/types.h). The order of the arguments does not
/// matter. Throws InvalidArgument for an id out of range and for an image paired with itself.
[[nodiscard]] std::int64_t colmap_pair_id(ColmapImageId a, ColmapImageId b);
/// Its inverse. Throws InvalidArgument for a number that is not a pair's key.
[[nodiscard]] ColmapPair colmap_pair(std::int64_t pair_id);

}  // namespace twinpatch
