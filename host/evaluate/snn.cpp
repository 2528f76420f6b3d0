// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/snn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "twinpatch/core/error.hpp"
#include "twinpatch/evaluate/metrics.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {
namespace {

constexpr std::int64_t kSmallImage = 1000;  // of brown_phototour_revisited, see SnnPrecision::published
constexpr std::int64_t kBatch = 128;

/// Patches of one image.
struct Group {
  PatchSet patches;
  std::vector<std::int64_t> points;
  std::vector<IndexPair> positives;  ///< anchor and positive, both ways round
};

std::vector<IndexPair> positives_of(const std::vector<std::int64_t>& points) {
  std::map<std::int64_t, std::vector<std::int32_t>> of_point;
  for (std::size_t i = 0; i < points.size(); ++i) of_point[points[i]].push_back(static_cast<std::int32_t>(i));
  std::vector<IndexPair> pairs;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (const std::int32_t other : of_point[points[i]]) {
      if (other != static_cast<std::int32_t>(i)) pairs.push_back({static_cast<std::int32_t>(i), other});
    }
  }
  return pairs;
}

/// −1 where all patches of the image show one point.
std::vector<std::int32_t> nearest_negatives(Comparer& comparer, const Group& group, const RunControl& control) {
  std::map<std::int64_t, int> count;
  int most = 0;
  for (const std::int64_t point : group.points) most = std::max(most, ++count[point]);
  const int depth = static_cast<int>(std::min<std::int64_t>(most + 1, std::ssize(group.points)));
  const Selected best = comparer.best(group.patches.view(), group.patches.view(), {.top_k = depth}, control);
  std::vector<std::int32_t> negatives(group.points.size(), -1);
  for (std::size_t i = 0; i < negatives.size(); ++i) {
    for (int k = 0; k < depth && negatives[i] < 0; ++k) {
      const std::int32_t other = best.indices[static_cast<std::int64_t>(i) * depth + k];
      if (other >= 0 && group.points[static_cast<std::size_t>(other)] != group.points[i]) negatives[i] = other;
    }
  }
  return negatives;
}

std::vector<std::int32_t> published_negatives(const std::vector<std::int32_t>& nearest) {
  std::vector<std::int32_t> negatives(nearest.size(), 0);
  const std::int64_t count = std::ssize(nearest);
  if (count > kSmallImage) std::copy_n(nearest.begin(), count / kBatch * kBatch, negatives.begin());
  return negatives;
}

double precision(std::span<const float> positive, std::span<const float> negative) {
  std::vector<float> ratios;
  std::vector<std::uint8_t> right;
  for (std::size_t i = 0; i < positive.size(); ++i) {
    const float near = -std::max(positive[i], negative[i]);
    const float far = -std::min(positive[i], negative[i]);
    ratios.push_back(far > 0 ? 1 - near / far : 0);  // two distances of zero tell nothing apart
    right.push_back(positive[i] >= negative[i] ? 1 : 0);
  }
  const auto count = std::count(right.begin(), right.end(), std::uint8_t{1});
  if (count == 0) return 0;
  return count == std::ssize(right) ? 1 : average_precision(ratios, right);
}

double precision(Comparer& comparer, const Group& group, const std::vector<std::int32_t>& negatives,
                 const RunControl& control) {
  std::vector<IndexPair> pairs = group.positives;
  for (const IndexPair& pair : group.positives)
    pairs.push_back({pair.left, negatives[static_cast<std::size_t>(pair.left)]});
  const std::vector<float> scores = comparer.score(group.patches.view(), group.patches.view(), pairs, control);
  const auto all = std::span(scores);
  return precision(all.first(group.positives.size()), all.subspan(group.positives.size()));
}

Group gather(Comparer& comparer, PatchView patches, const std::vector<std::int32_t>& which,
             std::span<const std::int64_t> points) {
  Group group{PatchSet(std::ssize(which), patches.height, patches.width), {}, {}};
  for (std::size_t i = 0; i < which.size(); ++i) {
    std::memcpy(group.patches.mutable_patch(static_cast<std::int64_t>(i)), patches.slice(which[i], 1).pixels,
                static_cast<std::size_t>(patches.patch_bytes()));
    group.points.push_back(points[static_cast<std::size_t>(which[i])]);
  }
  if (!comparer.takes(patches.height, patches.width))
    group.patches = resize_patches(group.patches.view(), comparer.side());
  group.positives = positives_of(group.points);
  return group;
}

}  // namespace

std::optional<SnnPrecision> snn_precision(Comparer& comparer, PatchView patches, std::span<const std::int64_t> points,
                                          std::span<const std::int64_t> images, const RunControl& control) {
  if (std::ssize(points) != patches.count || std::ssize(images) != patches.count) {
    throw InvalidArgument(
        fmt::format("{} patches, {} points and {} images", patches.count, points.size(), images.size()));
  }
  if (patches.type != PixelType::u8) throw InvalidArgument("PhotoTour patches are grey levels");
  if (!comparer.measures_distances()) return std::nullopt;
  std::map<std::int64_t, std::vector<std::int32_t>> of_image;
  for (std::size_t i = 0; i < images.size(); ++i) of_image[images[i]].push_back(static_cast<std::int32_t>(i));

  SnnPrecision result;
  for (const auto& [image, which] : of_image) {
    control.check();
    const Group group = gather(comparer, patches, which, points);
    if (group.positives.empty()) continue;
    const std::vector<std::int32_t> nearest = nearest_negatives(comparer, group, control);
    if (std::ranges::find(nearest, -1) != nearest.end()) continue;  // there is nothing to take for the point
    result.nearest += precision(comparer, group, nearest, control);
    result.published += precision(comparer, group, published_negatives(nearest), control);
    result.pairs += std::ssize(group.positives);
    ++result.images;
  }
  if (result.images == 0) return std::nullopt;
  result.nearest /= static_cast<double>(result.images);
  result.published /= static_cast<double>(result.images);
  return result;
}

}  // namespace twinpatch
