// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/sfm/colmap_model.hpp"
#include "twinpatch/vision/image.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// A point of a reconstruction where a keypoint of known size and direction saw it.
struct Sighting {
  std::uint32_t image = 0;
  Keypoint keypoint;
};
struct SeenPoint {
  std::int64_t id = 0;
  Vector3 position{};
  double error = 0;
  std::vector<Sighting> sightings;
};

/// Keypoints of every image of a COLMAP database, by image name, in the order the model's indices refer to. Throws
/// FormatError (two columns: no size and direction), IoError, Error (built without SQLite).
[[nodiscard]] std::map<std::string, std::vector<Keypoint>> read_colmap_database(const std::filesystem::path& path);

/// The model's tracks with the keypoints of its database. Throws Error where the two are not of one run.
[[nodiscard]] std::vector<SeenPoint> points_with_database(const ColmapModel& model,
                                                          const std::map<std::string, std::vector<Keypoint>>& keypoints,
                                                          const std::string& database);
/// Lines "point X Y Z error n" and n times "image x y sigma angle"; '#' starts a comment. Throws FormatError naming the
/// line, also for an image that the model does not have.
[[nodiscard]] std::vector<SeenPoint> parse_tracks(std::string_view text, const std::string& path,
                                                  const ColmapModel& model);
/// The model's tracks, where keypoints detected here lie within two pixels of the model's: of the several in one place
/// those that agree over the images in size on the surface and direction. `detected`: by image, strongest first.
[[nodiscard]] std::vector<SeenPoint> points_with_detections(
    const ColmapModel& model, const std::map<std::uint32_t, std::vector<Keypoint>>& detected);

}  // namespace twinpatch
