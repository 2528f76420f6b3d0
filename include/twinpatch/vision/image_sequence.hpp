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
};

/// A folder of img1.pgm, img2.pgm … as in the Oxford sequences, or 1.ppm … as in HPatches; also .png and
/// .jpg.
[[nodiscard]] bool is_image_sequence(const std::filesystem::path& folder);
/// The folder itself, or the sequences right below it, by name.
[[nodiscard]] std::vector<std::filesystem::path> image_sequences(const std::filesystem::path& folder);
/// With H1to2p … or H_1_2 … (also .txt) beside the images. Throws IoError, FormatError, and Error for a folder without
/// images, with only one image, or without a homography.
[[nodiscard]] ImageSequence read_image_sequence(const std::filesystem::path& folder);

}  // namespace twinpatch
