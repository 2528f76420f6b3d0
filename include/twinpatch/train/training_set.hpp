// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// One folder of patches to train on, in PhotoTour layout (sheets and info.txt), `patches.npy` with info.txt, or
/// HPatches sequences (a point is a row of a sequence, its strips are the images).
/// Patches are in a mapped file: sheets are decoded once into `cache`, under a hash of their content.
class Scene {
 public:
  /// Throws FormatError, IoError; InvalidArgument if no point has two patches.
  Scene(const std::filesystem::path& folder, const std::filesystem::path& cache);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  [[nodiscard]] PatchView patches() const noexcept { return patches_.view(); }
  [[nodiscard]] const std::uint8_t* patch(std::int64_t i) const noexcept {
    return static_cast<const std::uint8_t*>(patches_.view().pixels) + i * patches_.view().patch_bytes();
  }
  /// Point of each patch, as info.txt names it.
  [[nodiscard]] std::span<const std::int64_t> points() const noexcept { return points_; }
  /// Points with two patches or more. Points with one patch are skipped: they have no match.
  [[nodiscard]] std::int64_t groups() const noexcept { return static_cast<std::int64_t>(group_begin_.size()) - 1; }
  [[nodiscard]] std::span<const std::int32_t> group(std::int64_t i) const {
    const auto begin = static_cast<std::size_t>(group_begin_[static_cast<std::size_t>(i)]);
    const auto end = static_cast<std::size_t>(group_begin_[static_cast<std::size_t>(i) + 1]);
    return {group_patches_.data() + begin, end - begin};
  }
  /// Side of the patches' windows in σ, from manifest.json; nothing if there is none (PhotoTour's own folders).
  [[nodiscard]] std::optional<float> patch_extent() const noexcept { return patch_extent_; }
  /// Number of points with a single patch.
  [[nodiscard]] std::int64_t single_points() const noexcept { return single_points_; }
  /// True if the two patches show nearly the same place of the same image (interest.txt), so that calling them
  /// different would be wrong. False if the folder has no interest.txt.
  [[nodiscard]] bool overlapping(std::int32_t a, std::int32_t b) const;
  /// A patch of a group, seen in some image.
  struct Sighting {
    std::int32_t group = 0;
    std::int32_t patch = 0;
  };
  /// Image of a patch, 0 … images() − 1 (interest.txt); −1 if unknown.
  [[nodiscard]] std::int32_t image_of(std::int32_t patch) const {
    return image_.empty() ? -1 : image_[static_cast<std::size_t>(patch)];
  }
  /// Patches seen in one image, by group.
  [[nodiscard]] const std::vector<Sighting>& sightings(std::int32_t image) const {
    return sightings_[static_cast<std::size_t>(image)];
  }

 private:
  void make_groups();
  void read_interest();
  void list_sightings(std::span<const std::int64_t> images);
  void read_manifest();

  std::filesystem::path folder_;
  std::string name_;
  PatchSet patches_;
  std::vector<std::int64_t> points_;
  std::vector<std::int32_t> group_patches_;
  std::vector<std::int64_t> group_begin_;
  std::int64_t single_points_ = 0;
  std::optional<float> patch_extent_;
  struct Place {
    std::int64_t image = -1;
    float x = 0, y = 0, scale = 0;
  };
  std::vector<Place> places_;                     ///< empty, or one per patch
  std::vector<std::int32_t> image_;               ///< likewise
  std::vector<std::vector<Sighting>> sightings_;  ///< one list per image
};

/// The folder's pair list (the largest m50_*.txt) against its info.txt. Throws InvalidArgument for contradicting
/// labels: a pair listed both ways, a point that differs from info.txt's, a patch that does not match itself; or if one
/// class is missing.
[[nodiscard]] PairList read_scene_pairs(const Scene& scene);

/// $XDG_CACHE_HOME/twinpatch, else ~/.cache/twinpatch, else a folder under the system's temporary one.
[[nodiscard]] std::filesystem::path default_cache_folder();

}  // namespace twinpatch
