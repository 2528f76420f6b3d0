// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace twinpatch::vision {

/// Pixels [begin, end) of one side of an image.
struct Interval {
  int begin = 0;
  int end = 0;
  [[nodiscard]] int size() const noexcept { return end - begin; }
  [[nodiscard]] bool has(float place) const noexcept {
    return place >= static_cast<float>(begin) && place < static_cast<float>(end);
  }
};

/// A part of a large image in which keypoints are sought by itself. What it owns covers the image once; what it sees is
/// larger by kHalo where the image goes on, so that blurred values of what it owns are those of the whole image.
struct DetectionTile {
  Interval owned_x, owned_y;
  Interval seen_x, seen_y;
};

/// Keypoints up to this σ, in pixels, come from tiles; larger ones from the image at a quarter of its size.
constexpr float kTileSigma = 10;
/// The orientation of a keypoint of σ takes gradients up to 4.5σ away, of pixels blurred by σ; beyond 6σ nothing
/// counts.
constexpr int kHalo = 112;
static_assert(kHalo >= static_cast<int>((4.5F + 6) * kTileSigma));
/// Side of what a tile owns, at most: more is less seen twice, and more memory for each thread.
constexpr int kTileSide = 1216;
/// Tiles begin at multiples of this, so that octaves, which take every second pixel, take the same ones in every tile.
constexpr int kTileAlignment = 16;
/// Pixels of the largest tile, and of the largest image that is not divided.
constexpr std::int64_t kTilePixels = std::int64_t{kTileSide + 2 * kHalo} * (kTileSide + 2 * kHalo);

/// Row by row. One, of all, for an image of at most kTilePixels. They depend on the image's size only: what is detected
/// depends neither on the number of threads nor on memory.
[[nodiscard]] std::vector<DetectionTile> detection_tiles(int width, int height);

}  // namespace twinpatch::vision
