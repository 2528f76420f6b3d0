// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace twinpatch {

/// Places in an image by square cells, for finding neighbours.
class PlaceGrid {
 public:
  explicit PlaceGrid(double cell) : cell_(cell) {}

  void add(double x, double y, std::int64_t id) { cells_[key(index(x), index(y))].push_back({x, y, id}); }
  /// Calls `visit(id, distance)` for every place within `radius`.
  template <class Visit>
  void for_near(double x, double y, double radius, const Visit& visit) const {
    for (std::int64_t row = index(y - radius); row <= index(y + radius); ++row) {
      for (std::int64_t column = index(x - radius); column <= index(x + radius); ++column) {
        const auto found = cells_.find(key(column, row));
        if (found == cells_.end()) continue;
        for (const Place& place : found->second) {
          const double distance = std::hypot(place.x - x, place.y - y);
          if (distance <= radius) visit(place.id, distance);
        }
      }
    }
  }

 private:
  struct Place {
    double x;
    double y;
    std::int64_t id;
  };
  /// What lies beyond all images, or is no number, shares the cells at the end: places come from files.
  [[nodiscard]] std::int64_t index(double value) const {
    constexpr double kMost = 1 << 30;
    const double cell = std::floor(value / cell_);
    return std::isnan(cell) ? 0 : static_cast<std::int64_t>(std::clamp(cell, -kMost, kMost));
  }
  static std::int64_t key(std::int64_t column, std::int64_t row) { return row * (std::int64_t{1} << 32) + column; }

  double cell_;
  std::unordered_map<std::int64_t, std::vector<Place>> cells_;
};

}  // namespace twinpatch
