// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/net/spec.hpp"
#include "twinpatch/patches/patch_set.hpp"
#include "twinpatch/patches/photograph.hpp"

// A collection: many images, each with keypoints and a patch around each keypoint.

namespace twinpatch {

/// Where the images of a collection come from. Images are numbered 0, 1, …, in an order that stays the same from run to
/// run. Every function may be called from several threads at once (images are read ahead).
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  /// Any bytes; different for different images. Names are for messages and exporters: never used as file names.
  [[nodiscard]] virtual std::string name(std::int64_t image) const = 0;
  [[nodiscard]] virtual std::int64_t keypoint_count(std::int64_t image) const = 0;
  /// A text that changes whenever the image's pixels or keypoints do (see content_hash). Reads the image as it is now:
  /// a run asks again when it loads an image, and refuses an image that changed since it was planned.
  /// Throws IoError and FormatError for an image that cannot be read whole, as far as that is cheap to tell.
  [[nodiscard]] virtual std::string content_key(std::int64_t image) const = 0;
  /// Keypoints that are not matched, such as those under a mask: true at their number; empty: none. All keep their
  /// numbers and their patches, so that stored descriptors serve with any mask.
  [[nodiscard]] virtual std::vector<bool> masked_keypoints(std::int64_t /*image*/) const { return {}; }
  /// What else its patches depend on, equal for all images: side, extent, upright. Part of the key of stored
  /// descriptors.
  [[nodiscard]] virtual std::string patch_settings() const = 0;
  /// Size of every patch.
  [[nodiscard]] virtual Extent patch_size() const = 0;
  /// One patch per keypoint, row i for keypoint i. Throws IoError, FormatError.
  [[nodiscard]] virtual PatchSet patches(std::int64_t image) const = 0;
  /// The photograph that patches() would cut from, for an engine that cuts patches itself; nothing: there is none.
  /// Throws as patches() does.
  [[nodiscard]] virtual std::optional<Photograph> photograph(std::int64_t /*image*/) const { return std::nullopt; }
};

/// 32 hex digits (XXH3, 128 bits) over bytes, for content keys. Not a defence against forgery.
[[nodiscard]] std::string content_hash(std::span<const std::byte> bytes);
/// Of a whole file, read in pieces. Throws IoError.
[[nodiscard]] std::string file_content_hash(const std::filesystem::path& path);

/// Images whose patches are in memory.
class MemoryImageSource final : public ImageSource {
 public:
  /// Takes the patches. Throws InvalidArgument for a duplicate name, ShapeError for patches of another
  /// size.
  void add(std::string name, PatchSet patches);

  [[nodiscard]] std::int64_t size() const override { return std::ssize(images_); }
  [[nodiscard]] std::string name(std::int64_t image) const override { return at(image).name; }
  [[nodiscard]] std::int64_t keypoint_count(std::int64_t image) const override { return at(image).patches.size(); }
  [[nodiscard]] std::string content_key(std::int64_t image) const override { return at(image).key; }
  [[nodiscard]] std::string patch_settings() const override { return "memory"; }
  /// 64×64 as long as no patch was added.
  [[nodiscard]] Extent patch_size() const override { return extent_; }
  /// A view of what was added: valid as long as this object.
  [[nodiscard]] PatchSet patches(std::int64_t image) const override;

 private:
  struct Image {
    std::string name;
    std::string key;
    PatchSet patches;
  };
  [[nodiscard]] const Image& at(std::int64_t image) const { return images_.at(static_cast<std::size_t>(image)); }
  std::vector<Image> images_;
  Extent extent_{64, 64};
  bool has_patches_ = false;
};

}  // namespace twinpatch
