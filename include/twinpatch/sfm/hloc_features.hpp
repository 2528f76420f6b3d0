// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "twinpatch/vision/keypoint.hpp"

// Keypoints as hloc keeps them (features.h5). In builds without HDF5 every function here throws Error saying so.
// HDF5's C library may not be entered by two threads: all of twinpatch's calls share one lock; a program that also
// calls the library must not do so at the same time.

namespace twinpatch {

/// Whether this build can read and write HDF5.
[[nodiscard]] bool has_hdf5() noexcept;

/// Keypoints of one image of a features.h5.
struct HlocFeatures {
  /// In twinpatch's convention (first pixel's centre at (0.5, 0.5), σ, radians): half a pixel is added to hloc's
  /// coordinates, whose first centre is (0, 0); its angles are degrees. sigma is 0 if the file has no scales, angle 0
  /// if it has none, response 0 without scores.
  std::vector<Keypoint> keypoints;
  bool has_scales = false;
  bool has_angles = false;
  /// Coordinates were stored as binary16 (hloc's default): off by up to `rounding` pixels.
  bool half_precision = false;
  float rounding = 0;  ///< largest rounding of a coordinate, pixels: half a unit in the last place of the largest one
  int width = 0;       ///< `image_size`; 0 if the file has none
  int height = 0;
};

/// A features.h5: one group per image (a slash in the name nests groups) with `keypoints` [N,2] and, optionally,
/// `scales` [N] (σ), `oris` [N] (degrees), `scores` [N], `image_size` [2]. May be shared by threads.
class HlocFeatureFile {
 public:
  /// Lists the images. Throws IoError, FormatError (not HDF5, truncated, without images).
  explicit HlocFeatureFile(std::filesystem::path path);

  /// Sorted. Any bytes but NUL.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Keypoints of an image, without reading them. Throws as read() does.
  [[nodiscard]] std::int64_t keypoint_count(const std::string& name) const;
  /// Throws InvalidArgument for an unknown name, FormatError for another type or shape, or a value that is not finite;
  /// each names the file, the image and the dataset.
  [[nodiscard]] HlocFeatures read(const std::string& name) const;

 private:
  void check(const std::string& name) const;
  std::filesystem::path path_;
  std::vector<std::string> names_;
};

/// Keypoints of a read image that patches can be cut around: with `fixed_sigma` if the file has no scales (0: not
/// given), and with keypoints that only half precision moved outside the image (`image_size`; by `rounding` at most)
/// moved back to its edge. Throws InvalidArgument beginning with `what` if there is no scale at all.
[[nodiscard]] std::vector<Keypoint> usable_keypoints(const HlocFeatures& features, const std::string& what,
                                                     float fixed_sigma);

}  // namespace twinpatch
