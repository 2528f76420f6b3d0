// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/vision/cut_patches.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// A photograph of a folder whose keypoints another program found.
struct FeatureImage {
  std::string name;  ///< its path below the folder
  std::int64_t keypoints = 0;
  int width = 0;  ///< pixels of the image the keypoints were found in; 0: unknown
  int height = 0;
  std::vector<bool> masked{};  ///< keypoints that are not matched (masked_keypoints); empty: none
};

/// Keypoints from anywhere (a database, an HDF5 file), with patches cut from the photographs of a folder.
class FeatureImageSource final : public ImageSource {
 public:
  /// Keypoints of an image, in the library's convention; called from several threads.
  using LoadKeypoints = std::function<std::vector<Keypoint>(std::int64_t image)>;

  /// `threads` cut the patches of an image (0: all). Throws InvalidArgument for a duplicate name.
  FeatureImageSource(std::filesystem::path folder, std::vector<FeatureImage> images, LoadKeypoints load,
                     const CutOptions& cut, int threads = 0);

  [[nodiscard]] std::int64_t size() const override { return std::ssize(images_); }
  [[nodiscard]] std::string name(std::int64_t image) const override { return at(image).name; }
  [[nodiscard]] std::int64_t keypoint_count(std::int64_t image) const override { return at(image).keypoints; }
  /// Hashes of the photograph's file and of the keypoints. Throws IoError for a missing file,
  /// FormatError for a truncated one (check_image_complete); with CutOptions::affine InvalidArgument for a keypoint
  /// with a shape_fault(), before anything is compared.
  [[nodiscard]] std::string content_key(std::int64_t image) const override;
  [[nodiscard]] std::vector<bool> masked_keypoints(std::int64_t image) const override { return at(image).masked; }
  [[nodiscard]] std::string patch_settings() const override;
  [[nodiscard]] Extent patch_size() const override { return {cut_.side, cut_.side}; }
  /// Throws IoError and FormatError for an unreadable photograph, InvalidArgument for one of another size than its
  /// keypoints were found in and for a keypoint outside it or without a size, FormatError if the number of keypoints
  /// has changed; all name the image.
  [[nodiscard]] PatchSet patches(std::int64_t image) const override;
  [[nodiscard]] std::optional<Photograph> photograph(std::int64_t image) const override;

 private:
  [[nodiscard]] GrayImage read_pixels(std::int64_t image) const;
  [[nodiscard]] const FeatureImage& at(std::int64_t image) const { return images_.at(static_cast<std::size_t>(image)); }
  [[nodiscard]] std::vector<Keypoint> keypoints(std::int64_t image) const;

  std::filesystem::path folder_;
  std::vector<FeatureImage> images_;
  LoadKeypoints load_;
  CutOptions cut_;
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace twinpatch
