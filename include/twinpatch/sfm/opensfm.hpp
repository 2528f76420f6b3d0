// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/patches/match.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"
#include "twinpatch/vision/keypoint.hpp"

// Folders of OpenSfM: keypoints (features/IMAGE.features.npz) and matches (matches/IMAGE_matches.pkl.gz).

namespace twinpatch {

/// What the third column of OpenSfM's keypoints is, before it was divided by the longer side of the image.
enum class OpenSfmSize {
  sigma,    ///< σ, as HAHOG, OpenSfM's default, has it
  diameter  ///< 2σ, as OpenCV's SIFT
};

struct OpenSfmImage {
  std::string name;  ///< of its file in images/
  int width = 0;     ///< of the stored pixels, from exif/IMAGE.exif
  int height = 0;
};

/// A dataset with metadata and features (`opensfm extract_metadata`, `opensfm detect_features`). May be shared by
/// threads.
class OpenSfmDataset {
 public:
  /// `size`: nothing for what `feature_type` of config.yaml means. Throws IoError, FormatError (no features; an image
  /// without metadata; a feature_type that is neither HAHOG nor SIFT, without `size`).
  explicit OpenSfmDataset(std::filesystem::path folder, std::optional<OpenSfmSize> size = {});

  /// Images with features, by name.
  [[nodiscard]] const std::vector<OpenSfmImage>& images() const noexcept { return images_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Where the keypoints of an image lie.
  [[nodiscard]] std::filesystem::path features_file(std::string_view name) const;
  /// Keypoints of an image, row i for OpenSfM's feature i: OpenSfM has them in units of the longer side, counted from
  /// the middle of the image, and angles in degrees. Throws InvalidArgument for an unknown name, IoError, FormatError
  /// naming the file (no points [N, 4] of float32, no version or version 0, whose sizes are none; not finite).
  [[nodiscard]] std::vector<Keypoint> keypoints(std::string_view name) const;

 private:
  std::filesystem::path folder_;
  std::vector<OpenSfmImage> images_;
  OpenSfmSize size_ = OpenSfmSize::sigma;
};

/// Writes matches/IMAGE_matches.pkl.gz for every image: a pickled dictionary of the other image's name and an int64
/// array [N, 2], index in this image and index in the other; each pair under its first image, sorted. The files
/// are streams of gzip members, one for some pairs, so that memory holds those of one image; equal input gives equal
/// bytes. The folder appears whole at commit() or not at all.
class OpenSfmMatchWriter {
 public:
  /// Throws InvalidArgument (a name with a slash, which OpenSfM has none of, or twice), Error (the folder exists and
  /// may not be replaced, or holds anything but such files), IoError.
  OpenSfmMatchWriter(std::filesystem::path folder, std::vector<std::string> names,
                     std::vector<std::int64_t> keypoint_counts, bool replace);
  ~OpenSfmMatchWriter();
  OpenSfmMatchWriter(OpenSfmMatchWriter&&) noexcept;
  OpenSfmMatchWriter& operator=(OpenSfmMatchWriter&&) noexcept;

  /// A pair without matches is skipped. Throws InvalidArgument for an index out of range or a duplicate pair in either
  /// order, IoError.
  void write(ImagePair pair, std::span<const Match> matches);
  /// Throws IoError; then the folder does not appear.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch
