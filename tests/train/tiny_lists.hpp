// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "tiny_network.hpp"
#include "twinpatch/formats/npy.hpp"

namespace twinpatch::test {

/// A dataset of candidate lists of 16×16 patches: two images of `points` waves each, noisy views of one another. Every
/// keypoint has four candidates, whose similarity says little; one in five lacks the right one. Candidate 1 of a list
/// in ten is a near miss.
inline std::filesystem::path write_lists(const TemporaryFolder& folder, const std::string& name, int points,
                                         std::uint64_t seed, const std::string& first = "hard128") {
  const auto path = folder / name;
  std::filesystem::create_directories(path);
  Random random(seed);
  std::vector<std::uint8_t> pixels;
  std::vector<float> keypoints, measures;
  std::vector<std::int32_t> lists, candidates;
  for (int image = 0; image < 2; ++image)
    for (int point = 0; point < points; ++point) {
      for (const auto value : structured_patches(1, 16, 16, seed + 1000 + static_cast<std::uint64_t>(point)))
        pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(value + 6 * random.normal()), 0L, 255L)));
      keypoints.insert(keypoints.end(), {float(point), float(image), 2, 0});
    }
  for (int image = 0; image < 2; ++image)
    for (int point = 0; point < points; ++point) {
      const int other = (1 - image) * points;
      std::vector<int> ids;
      if (point % 5 != 0) ids.push_back(point);
      for (int step = 1; std::ssize(ids) < 4; ++step) ids.push_back((point + 3 * step) % points);
      std::rotate(ids.begin(), ids.begin() + random.below(4), ids.end());
      lists.insert(lists.end(), {image * points + point, 4});
      for (std::size_t c = 0; c < ids.size(); ++c) {
        const bool right = ids[c] == point;
        const bool near = !right && c == 1 && point % 10 == 3;
        candidates.insert(candidates.end(), {other + ids[c], c == 0 && point % 2 == 0 ? 1 : 0});
        measures.insert(measures.end(), {-0.5F - 0.1F * float(c), right ? 1.0F : near ? 4.0F : 80.0F, 0.125F, -0.25F});
      }
    }
  folder.file(name + "/manifest.json", R"({"schema": "twinpatch.candidates/1", "options": {"first": ")" + first +
                                           R"(", "candidates": 4, "patch_extent": 20}})");
  write_npy<std::uint8_t>(path / "patches.npy", pixels, {2 * points, 16, 16});
  write_npy<std::int32_t>(path / "images.npy", std::vector<std::int32_t>{points, points}, {2});
  write_npy<float>(path / "keypoints.npy", keypoints, {2 * points, 4});
  write_npy<std::int32_t>(path / "lists.npy", lists, {2 * points, 2});
  write_npy<std::int32_t>(path / "candidates.npy", candidates, {8 * points, 2});
  write_npy<float>(path / "measures.npy", measures, {8 * points, 4});
  return path;
}

/// A run of `steps` on lists, validated on others, that anyone can change.
inline TrainOptions list_options(const TemporaryFolder& folder, const NetworkSpec& spec, int steps) {
  TrainOptions options = tiny_options(folder, spec, steps);
  options.loss = LossKind::lists;
  options.datasets = {write_lists(folder, "pools", 60, 11)};
  options.validation = {write_lists(folder, "lakes", 40, 12)};
  options.optimiser = OptimiserKind::adam;
  options.rate = 3e-3;
  options.batch = 16;
  options.validation_pairs = 60;
  return options;
}

}  // namespace twinpatch::test
