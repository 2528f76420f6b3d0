// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "twinpatch/vision/homography.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch {

/// Images of a flat scene (or of a rotating camera) and the homographies between them.
struct ImageSequence {
  std::string name;                    ///< of the folder
  std::vector<std::string> files;      ///< names in the folder
  std::vector<GrayImage> images;       ///< at least two
  std::vector<Homography> from_first;  ///< from the first image's pixels to those of each; the first is the identity
  std::vector<int> numbers;            ///< in the images' names; ascending from 1, with gaps if one is missing
  std::vector<std::string> missing;    ///< see ImageSequenceFiles
};

/// What a sequence's folder holds.
struct ImageSequenceFiles {
  struct View {
    int number = 1;
    std::filesystem::path image;
    std::filesystem::path homography;  ///< from the first image; empty for that one
  };
  std::vector<View> views;           ///< images with a homography, by number; none if the first image is missing
  std::vector<std::string> missing;  ///< "image 3", "H1to4p (or H_1_4)": missing for a number below the highest
};

/// A folder of img1.pgm, img2.pgm … as in the Oxford sequences, or 1.ppm … as in HPatches; also .png and
/// .jpg, upper or lower case. Some may be missing: list_image_sequence names them.
[[nodiscard]] bool is_image_sequence(const std::filesystem::path& folder);
/// The folder itself, or the sequences right below it, by name.
[[nodiscard]] std::vector<std::filesystem::path> image_sequences(const std::filesystem::path& folder);
[[nodiscard]] ImageSequenceFiles list_image_sequence(const std::filesystem::path& folder);
/// With H1to2p …, H_1_2 … or H_ref_2 … (also .txt) beside the images. Images without a homography are left out; what is
/// missing is named in `missing`. Throws IoError, FormatError, and Error if fewer than two images are left.
[[nodiscard]] ImageSequence read_image_sequence(const std::filesystem::path& folder);

}  // namespace twinpatch
