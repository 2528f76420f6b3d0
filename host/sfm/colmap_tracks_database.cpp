// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_database.hpp"

#include "twinpatch/sfm/colmap_tracks.hpp"

namespace twinpatch {

std::map<std::string, std::vector<Keypoint>> read_colmap_database(const std::filesystem::path& path) {
  const ColmapDatabase database(path);
  std::map<std::string, std::vector<Keypoint>> keypoints;
  for (const auto& image : database.images()) {
    if (image.keypoints >= 0) keypoints[image.name] = database.keypoints(image.id);
  }
  return keypoints;
}

}  // namespace twinpatch
