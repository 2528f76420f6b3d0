// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "dataset_support.hpp"
#include "twinpatch/dataset/sources.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch::test {

inline constexpr int kPlaneWidth = 320;
inline constexpr int kPlaneHeight = 260;
inline constexpr double kPlaneFocal = 300;
inline constexpr double kPlaneDepth = 6;     // of the textured plane Z = 6
inline constexpr double kPlanePerUnit = 60;  // texture pixels per unit of the plane

/// A textured plane seen by four cameras, as files of a COLMAP text model. Tracks hold the first `tracked` images.
class PlaneScene {
 public:
  explicit PlaneScene(int tracked = 4) {
    std::filesystem::create_directories(folder / "images");
    std::filesystem::create_directories(folder / "sparse");
    const GrayImage texture = textured_image(kPlaneWidth, kPlaneHeight, 51);
    for (int i = 0; i < 4; ++i) {
      to_image_.push_back(homography(i));
      write_image(folder / "images" / fmt::format("view {}.png", i), seen_through(texture, to_image_.back()));
    }
    // Keypoints of the texture, carried to the images.
    std::vector<std::string> keypoints(4);
    std::vector<int> counts(4, 0);
    std::string points;
    std::string tracks;
    int id = 0;
    for (const Keypoint& keypoint : detect_keypoints(texture, {.max_keypoints = 300})) {
      std::string elements;
      std::string sightings;
      int seen = 0;
      for (int i = 0; i < tracked; ++i) {
        const auto k = carry_over(keypoint, to_image_[static_cast<std::size_t>(i)]);
        if (!k || k->x < 1 || k->y < 1 || k->x > kPlaneWidth - 1 || k->y > kPlaneHeight - 1) continue;
        keypoints[static_cast<std::size_t>(i)] += fmt::format("{} {} {} ", k->x, k->y, id);
        elements += fmt::format(" {} {}", i + 1, counts[static_cast<std::size_t>(i)]++);
        sightings += fmt::format(" {} {} {} {} {}", i + 1, k->x, k->y, k->sigma, k->angle);
        ++seen;
      }
      const std::string position = fmt::format("{} {} {}", (keypoint.x - kPlaneWidth / 2.0) / kPlanePerUnit,
                                               (keypoint.y - kPlaneHeight / 2.0) / kPlanePerUnit, kPlaneDepth);
      points += fmt::format("{} {} 9 9 9 0.1{}\n", id, position, elements);
      tracks += fmt::format("{} {} 0.1 {}{}\n", id, position, seen, sightings);
      ++id;
    }
    std::string images;
    for (int i = 0; i < 4; ++i) {
      const auto pose = poses_[static_cast<std::size_t>(i)];
      images += fmt::format("{} {} 0 {} 0 {} {} {} 1 view {}.png\n{}\n", i + 1, std::cos(pose.turn / 2),
                            std::sin(pose.turn / 2), pose.x, pose.y, pose.z, i, keypoints[static_cast<std::size_t>(i)]);
    }
    write_text(folder / "sparse" / "cameras.txt",
               fmt::format("1 SIMPLE_PINHOLE {} {} {} {} {}\n", kPlaneWidth, kPlaneHeight, kPlaneFocal, kPlaneWidth / 2,
                           kPlaneHeight / 2));
    write_text(folder / "sparse" / "images.txt", images);
    write_text(folder / "sparse" / "points3D.txt", points);
    write_text(folder / "tracks.txt", tracks);
  }

  [[nodiscard]] ColmapDatasetOptions options() const {
    ColmapDatasetOptions options;
    options.dataset = quick_options(folder / "set");
    options.model = folder / "sparse";
    options.images = folder / "images";
    options.tracks = folder / "tracks.txt";
    return options;
  }
  /// A keypoint of one image in another, by the plane.
  [[nodiscard]] std::optional<Keypoint> carried(const Keypoint& keypoint, std::size_t from, std::size_t to) const {
    return carry_over(keypoint, product(to_image_[to], inverse(to_image_[from])));
  }
  [[nodiscard]] nlohmann::json manifest() const {
    return nlohmann::json::parse(file_contents(folder / "set").at("manifest.json"));
  }

  TemporaryFolder folder;

 private:
  struct Pose {
    double turn;  ///< about y
    double x, y, z;
  };
  static constexpr std::array<Pose, 4> poses_{
      {{0, 0, 0, 0}, {0.15, -0.9, 0.1, 0.2}, {-0.2, 1.2, 0, 0.4}, {0.08, -0.4, -0.3, -0.8}}};
  std::vector<Homography> to_image_;

  /// Texture pixels to image pixels, both with centres at integers.
  static Homography homography(int i) {
    const Pose& p = poses_[static_cast<std::size_t>(i)];
    const double c = std::cos(p.turn);
    const double s = std::sin(p.turn);
    const Homography to_plane{1 / kPlanePerUnit,
                              0,
                              (0.5 - kPlaneWidth / 2.0) / kPlanePerUnit,
                              0,
                              1 / kPlanePerUnit,
                              (0.5 - kPlaneHeight / 2.0) / kPlanePerUnit,
                              0,
                              0,
                              1};
    // Columns: R·x, R·y, R·(0, 0, depth) + t.
    const Homography view{c, 0, s * kPlaneDepth + p.x, 0, 1, p.y, -s, 0, c * kPlaneDepth + p.z};
    const Homography lens{kPlaneFocal, 0, kPlaneWidth / 2.0 - 0.5, 0, kPlaneFocal, kPlaneHeight / 2.0 - 0.5, 0, 0, 1};
    return product(lens, product(view, to_plane));
  }
};

}  // namespace twinpatch::test
