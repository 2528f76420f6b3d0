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

/// An observation of a reconstructed point by a keypoint of known size and direction.
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

/// The model's tracks with the keypoints of its database. Throws Error if the two are not from the same reconstruction.
[[nodiscard]] std::vector<SeenPoint> points_with_database(const ColmapModel& model,
                                                          const std::map<std::string, std::vector<Keypoint>>& keypoints,
                                                          const std::string& database);
/// Lines "point X Y Z error n" and n times "image x y sigma angle"; '#' starts a comment. Throws FormatError naming the
/// line, also for an image missing in the model.
[[nodiscard]] std::vector<SeenPoint> parse_tracks(std::string_view text, const std::string& path,
                                                  const ColmapModel& model);
/// The model's tracks, using keypoints detected here within two pixels of the model's: of several in one place,
/// those whose size on the surface and direction agree over the images. `detected`: by image, strongest first.
[[nodiscard]] std::vector<SeenPoint> points_with_detections(
    const ColmapModel& model, const std::map<std::uint32_t, std::vector<Keypoint>>& detected);

}  // namespace twinpatch
