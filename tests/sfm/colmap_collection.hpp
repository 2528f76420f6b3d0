// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "apps/process.hpp"
#include "apps/scene.hpp"
#include "sfm/colmap_fixtures.hpp"
#include "twinpatch/sfm/colmap_ids.hpp"

// Photographs and a COLMAP database for runs of `twinpatch colmap`.

namespace twinpatch::test {

inline constexpr int kWidth = 240;
inline constexpr int kHeight = 180;
inline constexpr int kShift = 17;

inline std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::int64_t key(std::uint32_t a, std::uint32_t b) {
  return colmap_pair_id(static_cast<ColmapImageId>(a), static_cast<ColmapImageId>(b));
}

/// Photographs of one scene, each shifted by 17 pixels more, and a database that knows them: ids 3, 4, 5, …, no
/// keypoints yet.
struct Collection {
  explicit Collection(const std::vector<std::string>& file_names, const std::string& release = "3.8")
      : names(file_names) {
    std::filesystem::create_directory(scene.folder() / "photo graphs");
    TestDatabase database(path(), release, true);
    database.camera(1, 0, kWidth, kHeight, {300, 120, 90}, true);
    for (std::size_t i = 0; i < names.size(); ++i) {
      (void)scene.photograph("photo graphs/" + names[i], kWidth, kHeight, kShift * static_cast<int>(i));
      database.image(static_cast<int>(i) + 3, names[i], 1, 0, {});
    }
  }
  [[nodiscard]] std::string path() const { return scene.path("my data.db"); }
  [[nodiscard]] std::string images() const { return scene.path("photo graphs"); }
  [[nodiscard]] std::string photograph(std::size_t i) const { return images() + "/" + names[i]; }

  [[nodiscard]] ProcessResult run(const std::vector<std::string>& more, const std::string& network = "siam-l2",
                                  const ProcessOptions& how = {}) const {
    std::vector<std::string> arguments{"colmap",          path(), "--images",  images(), "-m", scene.model(network),
                                       "--max-keypoints", "120",  "--threads", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_twinpatch(arguments, how);
  }
  /// Of the pair's stored matches, how many there are and how many lie at the shift between the two.
  [[nodiscard]] std::pair<int, int> right_ones(std::uint32_t a, std::uint32_t b) const {
    TestDatabase database(path());
    const auto row = database.row("matches", "pair_id", key(a, b));
    if (!row) return {0, 0};
    const auto pairs = integers(row->data);
    const auto left = floats(database.row("keypoints", "image_id", a)->data);
    const auto right = floats(database.row("keypoints", "image_id", b)->data);
    int correct = 0;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const float dx = right.at(6 * pairs[i + 1]) - left.at(6 * pairs[i]);
      const float dy = right.at(6 * pairs[i + 1] + 1) - left.at(6 * pairs[i] + 1);
      const auto shift = static_cast<float>(kShift * static_cast<int>(b - a));
      correct += std::abs(dx - shift) < 3 && std::abs(dy) < 3 ? 1 : 0;
    }
    return {static_cast<int>(pairs.size() / 2), correct};
  }

  Scene scene;
  std::vector<std::string> names;
};

/// The stored matches of every pair.
inline std::map<std::int64_t, std::vector<std::uint32_t>> matches_of(const Collection& collection) {
  std::map<std::int64_t, std::vector<std::uint32_t>> all;
  TestDatabase database(collection.path());
  const auto count = static_cast<std::uint32_t>(collection.names.size());
  for (std::uint32_t a = 3; a < 3 + count; ++a) {
    for (std::uint32_t b = a + 1; b < 3 + count; ++b) {
      if (const auto row = database.row("matches", "pair_id", key(a, b))) all[key(a, b)] = integers(row->data);
    }
  }
  return all;
}

}  // namespace twinpatch::test
