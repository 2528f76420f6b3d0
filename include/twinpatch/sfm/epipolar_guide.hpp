// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "twinpatch/collection/match_guide.hpp"
#include "twinpatch/sfm/colmap_verify.hpp"

namespace twinpatch {

/// Where a guide takes an image's keypoints and camera from; called from one thread at a time.
struct GuideSource {
  std::function<std::vector<Keypoint>(const std::string& image)> keypoints;
  /// Null: not known.
  std::function<const ColmapCameraRow*(const std::string& image)> camera;

  /// Those of the image's keypoints that are matched, in order. Throws what reading them does.
  [[nodiscard]] std::vector<Keypoint> matched_keypoints(const GuidedImage& image) const;
};

struct GuideOptions {
  /// Half the width of the band around an epipolar line. Around where a homography puts a keypoint √2 times as many
  /// count: its errors have two directions.
  double pixels = 2;
  ColmapVerifyOptions estimation{};  ///< of pairs whose geometry is not known
  /// Share of the first pass's matches that must agree with an epipolar geometry before it guides. With look-alike
  /// facades half of them agree with a wrong one, whose bands others would then fill.
  double least_share = 0.75;
  /// E's inliers / F's from which E guides where both focal lengths are known: F has two freedoms more, with which it
  /// fits wrong matches.
  double least_essential_share = 0.75;
  int threads = 0;  ///< 0: all
};

/// A camera whose place is known.
struct KnownPose {
  ColmapImage image;
  ColmapCamera camera;
};
/// What is known of images before they are matched.
struct KnownGeometry {
  std::string name;  ///< in the guide's rule: "poses"; empty: nothing is known
  std::map<std::string, KnownPose> poses{};
  /// From the first image to the second, by names; in COLMAP's conventions. Degenerate ones count as not known.
  std::map<std::pair<std::string, std::string>, ColmapGeometry> pairs{};
};

/// The poses of a COLMAP model, by the names of its images. Throws what read_colmap_model() does and, naming the image,
/// InvalidArgument for a rotation or a place that is not finite.
[[nodiscard]] KnownGeometry known_poses(const std::filesystem::path& model);

/// Guides matches by what is known of a pair, or else by the geometry that verify_pair() makes of the first pass's
/// matches: an essential or a fundamental matrix leaves bands along epipolar lines, a homography discs. A pair whose
/// matches have no geometry, or too few that agree with it, stays as it is. Throws InvalidArgument for options that are
/// not positive; masks() does naming the pair for a known geometry that check_geometry() refuses.
[[nodiscard]] std::unique_ptr<MatchGuide> make_epipolar_guide(GuideSource source, const GuideOptions& options,
                                                              KnownGeometry known = {});

}  // namespace twinpatch
