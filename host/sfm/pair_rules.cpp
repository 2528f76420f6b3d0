// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/pair_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <set>

#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

double distance(const Position& a, const Position& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

/// Images with a position, by the first coordinate.
std::vector<std::int32_t> along_first_axis(std::span<const std::optional<Position>> positions) {
  std::vector<std::int32_t> order;
  for (std::int32_t i = 0; i < std::ssize(positions); ++i) {
    if (positions[static_cast<std::size_t>(i)]) order.push_back(i);
  }
  std::ranges::stable_sort(order, {}, [&](std::int32_t i) { return (*positions[static_cast<std::size_t>(i)])[0]; });
  return order;
}

}  // namespace

Position ground_position(double latitude, double longitude) {
  if (!(std::abs(latitude) <= 90 && std::abs(longitude) <= 360)) {
    throw InvalidArgument(fmt::format("latitude {} and longitude {} are no place on Earth", latitude, longitude));
  }
  constexpr double kAxis = 6'378'137;  // metres, of WGS84
  constexpr double kFlattening = 1 / 298.257223563;
  constexpr double kSquaredEccentricity = kFlattening * (2 - kFlattening);
  const double phi = latitude * std::numbers::pi / 180;
  const double lambda = longitude * std::numbers::pi / 180;
  const double curvature = kAxis / std::sqrt(1 - kSquaredEccentricity * std::sin(phi) * std::sin(phi));
  return {curvature * std::cos(phi) * std::cos(lambda), curvature * std::cos(phi) * std::sin(lambda),
          curvature * (1 - kSquaredEccentricity) * std::sin(phi)};
}

std::vector<ImagePair> spatial_pairs(std::span<const std::optional<Position>> positions, double radius) {
  const std::vector<std::int32_t> order = along_first_axis(positions);
  const auto at = [&](std::size_t n) { return *positions[static_cast<std::size_t>(order[n])]; };
  std::vector<ImagePair> pairs;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i + 1; j < order.size() && at(j)[0] - at(i)[0] <= radius; ++j) {
      if (distance(at(i), at(j)) <= radius) {
        pairs.push_back({std::min(order[i], order[j]), std::max(order[i], order[j])});
      }
    }
  }
  std::ranges::sort(pairs);
  return pairs;
}

std::optional<double> least_distance(std::span<const std::optional<Position>> positions) {
  std::optional<double> least;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    for (std::size_t j = i + 1; j < positions.size(); ++j) {
      if (!positions[i] || !positions[j]) continue;
      const double now = distance(*positions[i], *positions[j]);
      if (!least || now < *least) least = now;
    }
  }
  return least;
}

std::vector<ImagePair> transitive_pairs(std::int64_t images, std::span<const ImagePair> pairs, int rounds) {
  std::vector<std::set<std::int32_t>> neighbours(static_cast<std::size_t>(images));
  const auto join = [](auto& sets, std::int32_t a, std::int32_t b) {
    sets[static_cast<std::size_t>(a)].insert(b);
    sets[static_cast<std::size_t>(b)].insert(a);
  };
  for (const ImagePair pair : pairs) join(neighbours, pair.first, pair.second);
  for (int round = 0; round < rounds; ++round) {
    auto next = neighbours;
    for (const auto& around : neighbours) {
      for (auto a = around.begin(); a != around.end(); ++a) {
        for (auto b = std::next(a); b != around.end(); ++b) join(next, *a, *b);
      }
    }
    if (next == neighbours) break;
    neighbours = std::move(next);
  }
  std::vector<ImagePair> result;
  for (std::int32_t i = 0; i < images; ++i) {
    for (const std::int32_t j : neighbours[static_cast<std::size_t>(i)]) {
      if (i < j) result.push_back({i, j});
    }
  }
  return result;
}

std::vector<std::int64_t> degrees(const PairSelection& pairs) {
  std::vector<std::int64_t> of_image(static_cast<std::size_t>(pairs.images()));
  const auto last = static_cast<std::int32_t>(pairs.images());
  for (std::int32_t i = 0; i < last; ++i) {
    for (const ImagePair pair : pairs.within({i, i + 1}, {0, last})) {
      ++of_image[static_cast<std::size_t>(pair.first)];
      ++of_image[static_cast<std::size_t>(pair.second)];
    }
  }
  return of_image;
}

}  // namespace twinpatch
