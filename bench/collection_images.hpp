// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/vision/image.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch::bench {

/// As many images as wanted from a few photographs: image n is photograph n mod count, a window of it turned, scaled
/// and resampled. Pictures are made anew each time they are asked for; only keypoints stay in memory.
class MadeImages final : public ImageSource {
 public:
  /// Looks for photographs under `folder`. Throws InvalidArgument where there is none.
  MadeImages(const std::filesystem::path& folder, std::int64_t images, int keypoints);

  [[nodiscard]] std::int64_t size() const override { return std::ssize(keypoints_); }
  [[nodiscard]] std::string name(std::int64_t image) const override;
  [[nodiscard]] std::int64_t keypoint_count(std::int64_t image) const override {
    return std::ssize(keypoints_[static_cast<std::size_t>(image)]);
  }
  [[nodiscard]] std::string content_key(std::int64_t image) const override;
  [[nodiscard]] std::string patch_settings() const override { return "made"; }
  [[nodiscard]] Extent patch_size() const override { return {64, 64}; }
  [[nodiscard]] PatchSet patches(std::int64_t image) const override;

 private:
  [[nodiscard]] GrayImage picture(std::int64_t image) const;
  std::vector<std::filesystem::path> photographs_;
  std::vector<std::vector<Keypoint>> keypoints_;
};

}  // namespace twinpatch::bench
