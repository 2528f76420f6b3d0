// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "detection_tiles.hpp"

#include <algorithm>

namespace twinpatch::vision {
namespace {

/// Parts of nearly the same size, none above kTileSide.
std::vector<Interval> divide(int side) {
  const int steps = (side + kTileAlignment - 1) / kTileAlignment;
  const int parts = (side + kTileSide - 1) / kTileSide;
  std::vector<Interval> intervals;
  intervals.reserve(static_cast<std::size_t>(parts));
  for (int i = 0; i < parts; ++i) {
    const auto border = [&](int part) {
      return std::min(side, static_cast<int>(std::int64_t{steps} * part / parts) * kTileAlignment);
    };
    intervals.push_back({border(i), border(i + 1)});
  }
  return intervals;
}

Interval with_halo(Interval owned, int side) {
  return {std::max(0, owned.begin - kHalo), std::min(side, owned.end + kHalo)};
}

}  // namespace

std::vector<DetectionTile> detection_tiles(int width, int height) {
  const Interval all_x{0, width};
  const Interval all_y{0, height};
  if (std::int64_t{width} * height <= kTilePixels) return {{all_x, all_y, all_x, all_y}};
  std::vector<DetectionTile> tiles;
  const std::vector<Interval> columns = divide(width);
  for (const Interval& rows : divide(height)) {
    for (const Interval& across : columns) {
      tiles.push_back({across, rows, with_halo(across, width), with_halo(rows, height)});
    }
  }
  return tiles;
}

}  // namespace twinpatch::vision
