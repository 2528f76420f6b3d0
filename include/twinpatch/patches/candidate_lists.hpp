// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/formats/npy.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch {

/// A keypoint of another image that a descriptor proposes for a keypoint, and what the known geometry says of it.
struct Candidate {
  std::int32_t patch = 0;
  bool mutual = false;   ///< each is the other's most similar
  float similarity = 0;  ///< of the descriptors, higher is more similar
  float distance = 0;    ///< pixels between the candidate and the place where the keypoint comes to lie in its image
  float scale = 0;       ///< log2 of the candidate's σ over the σ that the keypoint has there
  float angle = 0;       ///< candidate's less the keypoint's as it appears there, radians in [−π, π]
};

/// A dataset of candidate lists (docs/files.md): for keypoints of an image, one by one, their candidates in another
/// image. What is right is not stored: distances are, and whoever trains draws the line. Patches and candidates stay in
/// mapped files.
class CandidateLists {
 public:
  static constexpr const char* kSchema = "twinpatch.candidates/1";

  /// Reads and checks everything but pixels. Throws IoError, and FormatError with file and row: another version, arrays
  /// of other shapes or lengths than each other's, ids out of range, a candidate in the keypoint's own image or twice,
  /// geometry that is not finite.
  explicit CandidateLists(const std::filesystem::path& folder);

  /// Whether a folder's manifest.json says that it is such a dataset, of any version.
  [[nodiscard]] static bool is_at(const std::filesystem::path& folder);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Network that found the candidates, and how many of each direction it was asked for.
  [[nodiscard]] const std::string& first() const noexcept { return first_; }
  [[nodiscard]] int nearest() const noexcept { return nearest_; }
  /// Side of the patches' windows, σ.
  [[nodiscard]] float patch_extent() const noexcept { return patch_extent_; }

  [[nodiscard]] PatchView patches() const noexcept { return patches_.view(); }
  [[nodiscard]] const std::uint8_t* patch(std::int64_t i) const noexcept {
    return static_cast<const std::uint8_t*>(patches_.view().pixels) + i * patches_.view().patch_bytes();
  }
  /// Image of a patch: images in order, patches of each consecutive.
  [[nodiscard]] std::int64_t image_of(std::int32_t patch) const;

  [[nodiscard]] std::int64_t size() const noexcept { return std::ssize(begins_) - 1; }
  /// A keypoint's patch, and where its candidates are: the most similar first, all in one image, at least one.
  struct List {
    std::int32_t keypoint = 0;
    std::int64_t begin = 0, end = 0;
    [[nodiscard]] std::int64_t size() const noexcept { return end - begin; }
  };
  [[nodiscard]] List list(std::int64_t i) const;
  /// 0 ≤ i < the last list's end.
  [[nodiscard]] Candidate candidate(std::int64_t i) const;

 private:
  void read_manifest();
  void read_images();
  void check_keypoints() const;
  void read_lists();
  void check_list(std::int64_t i, std::vector<std::int32_t>& seen) const;

  std::filesystem::path folder_;
  std::string name_, first_;
  int nearest_ = 0;
  float patch_extent_ = 0;
  PatchSet patches_;
  NpyArray candidates_, measures_, lists_;
  std::vector<std::int64_t> image_begins_;  ///< first patch of each image, and the number of patches
  std::vector<std::int64_t> begins_;        ///< first candidate of each list, and the number of candidates
};

}  // namespace twinpatch
