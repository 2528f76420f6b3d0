// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace twinpatch::vision {

/// A copy of a TIFF file whose first image has the tag Orientation (274) set to 1, rows and columns as stored; empty
/// where the bytes are no TIFF file or have no other orientation.
///
/// OpenCV's TIFF decoder turns the pixels by that tag whatever flags it is given (IMREAD_IGNORE_ORIENTATION is about
/// EXIF alone), and keypoints refer to the stored pixels.
[[nodiscard]] std::vector<std::byte> with_stored_orientation(std::span<const std::byte> bytes);

}  // namespace twinpatch::vision
