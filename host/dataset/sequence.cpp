// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "sequence.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/cut_patches.hpp"
#include "twinpatch/vision/image_sequence.hpp"
#include "twinpatch/vision/place_grid.hpp"

namespace twinpatch::dataset {

namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kMinDistance = 3.0;  // pixels
constexpr double kCell = 16.0;        // pixels, of the grids

double angle_between(double a, double b) { return std::abs(std::remainder(a - b, 2.0 * kPi)); }

/// A point of the sequence: the keypoint that was detected, where, and its place in the first image.
struct Seed {
  Keypoint keypoint;
  std::size_t view = 0;
  Keypoint in_first;
};

using Detections = std::vector<std::vector<Keypoint>>;

/// Keypoints of all views in random order, those of the first before the others'; of several in one place one is taken.
std::vector<Seed> choose_seeds(std::span<const View> views, const Detections& detections,
                               const SequenceOptions& options, float extent, Random& random) {
  std::vector<Seed> seeds;
  PlaceGrid taken(kCell);
  const std::size_t sources = options.detect_in_all ? views.size() : 1;
  for (std::size_t v = 0; v < sources; ++v) {
    const Homography to_first = inverse(views[v].from_first);
    std::vector<Keypoint> order = detections[v];
    random.shuffle(order);
    for (const Keypoint& keypoint : order) {
      if (!is_usable(keypoint, views[v].image, extent, options.margin, options.min_sigma)) continue;
      const auto in_first = carry_over(keypoint, to_first);
      if (!in_first) continue;
      const double own = std::max(kMinDistance, options.min_distance * in_first->sigma);
      bool free = true;
      taken.for_near(in_first->x, in_first->y, std::max(own, 64.0), [&](std::int64_t other, double distance) {
        const double theirs = options.min_distance * seeds[static_cast<std::size_t>(other)].in_first.sigma;
        free = free && distance >= std::max(own, theirs);
      });
      if (!free) continue;
      taken.add(in_first->x, in_first->y, static_cast<std::int64_t>(seeds.size()));
      seeds.push_back({keypoint, v, *in_first});
    }
  }
  if (options.max_points > 0 && static_cast<int>(seeds.size()) > options.max_points) {
    random.shuffle(seeds);
    seeds.resize(static_cast<std::size_t>(options.max_points));
  }
  return seeds;
}

/// The detector's own keypoint that agrees best with a carried one, if there is one.
std::optional<Keypoint> detected_alike(const Keypoint& carried, const std::vector<Keypoint>& detected,
                                       const PlaceGrid& places) {
  std::optional<Keypoint> best;
  double best_distance = 0;
  places.for_near(carried.x, carried.y, 1.0 + 0.5 * carried.sigma, [&](std::int64_t id, double distance) {
    const Keypoint& k = detected[static_cast<std::size_t>(id)];
    if (std::abs(std::log(k.sigma / carried.sigma)) > 0.3 || angle_between(k.angle, carried.angle) > kPi / 7) return;
    if (!best || distance < best_distance) {
      best = k;
      best_distance = distance;
    }
  });
  return best;
}

/// Turned in its own frame, then enlarged.
AffineShape turned(const AffineShape& shape, float angle, float factor) {
  const float c = factor * std::cos(angle);
  const float s = factor * std::sin(angle);
  return {shape.a11 * c + shape.a12 * s, shape.a12 * c - shape.a11 * s, shape.a21 * c + shape.a22 * s,
          shape.a22 * c - shape.a21 * s};
}

}  // namespace

Keypoint with_noise(const Keypoint& keypoint, const KeypointNoise& noise, Random& random) {
  Keypoint noisy = keypoint;
  noisy.x += static_cast<float>(noise.position * keypoint.sigma * random.normal());
  noisy.y += static_cast<float>(noise.position * keypoint.sigma * random.normal());
  noisy.sigma *= static_cast<float>(std::exp(noise.scale * random.normal()));
  noisy.angle += static_cast<float>(noise.angle * kPi / 180.0 * random.normal());
  if (keypoint.shape) {
    noisy.shape = turned(*keypoint.shape, noisy.angle - keypoint.angle, noisy.sigma / keypoint.sigma);
  }
  return noisy;
}

bool is_usable(const Keypoint& keypoint, const GrayImage& image, float extent, double margin, double min_sigma) {
  const double reach = std::max(0.0, margin) * 0.5 * extent * keypoint.sigma;
  const double x = keypoint.x;
  const double y = keypoint.y;
  return std::isfinite(keypoint.sigma) && keypoint.sigma >= min_sigma && x >= reach && y >= reach &&
         x <= image.width() - reach && y <= image.height() - reach;
}

std::vector<View> read_views(const std::filesystem::path& folder, Json& inputs) {
  ImageSequence sequence = read_image_sequence(folder);
  if (!sequence.missing.empty()) {
    throw InvalidArgument(
        fmt::format("{}: the sequence is incomplete, missing: {}", folder.string(), fmt::join(sequence.missing, ", ")));
  }
  std::vector<View> views;
  Json names = Json::array();
  for (std::size_t i = 0; i < sequence.images.size(); ++i) {
    View view{std::move(sequence.images[i]), sequence.from_first[i], sequence.name + "/" + sequence.files[i], 0};
    names.push_back({{"name", view.name}, {"width", view.image.width()}, {"height", view.image.height()}});
    views.push_back(std::move(view));
  }
  inputs.push_back({{"folder", sequence.name}, {"images", names}});
  return views;
}

std::int64_t add_sequence(const SequenceTarget& target, std::span<const View> views, std::int64_t first_point,
                          Random& random) {
  const auto& [options, dataset, writer, pool] = target;
  Detections detections(views.size());
  for (std::size_t v = 0; v < views.size(); ++v) {
    if (v == 0 || options.detect_in_all || options.noise.use_detected > 0) {
      detections[v] = detect_keypoints(views[v].image, {.max_keypoints = options.max_keypoints});
    }
  }
  const std::vector<Seed> seeds = choose_seeds(views, detections, options, dataset.extent, random);
  for (std::size_t v = 0; v < views.size(); ++v) {
    const View& view = views[v];
    PlaceGrid places(kCell);
    for (std::size_t i = 0; i < detections[v].size(); ++i) {
      places.add(detections[v][i].x, detections[v][i].y, static_cast<std::int64_t>(i));
    }
    const std::int32_t image = writer.add_image(view.name);
    const double min_sigma = std::max(options.min_sigma, view.blur);
    std::vector<PatchRecord> records;
    std::vector<Keypoint> keypoints;
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      std::optional<Keypoint> here = seeds[s].keypoint;
      if (seeds[s].view != v) {
        here = carry_over(seeds[s].keypoint, product(view.from_first, inverse(views[seeds[s].view].from_first)));
        if (!here) continue;
        const bool snap = random.chance(options.noise.use_detected);
        const auto detected = snap ? detected_alike(*here, detections[v], places) : std::nullopt;
        here = detected ? *detected : with_noise(*here, options.noise, random);
      }
      if (!is_usable(*here, view.image, dataset.extent, options.margin, min_sigma)) continue;
      records.push_back({first_point + static_cast<std::int64_t>(s), image, *here});
      keypoints.push_back(*here);
    }
    const CutOptions cut{.side = 64, .extent = dataset.extent, .upright = dataset.upright};
    writer.add(records, cut_patches(view.image, keypoints, cut, pool).view());
  }
  return static_cast<std::int64_t>(seeds.size());
}

}  // namespace twinpatch::dataset
