// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/core/matrix.hpp"

namespace twinpatch {

/// PlannedImage::key: the image's content, and a hash of its mask if one hides keypoints.
[[nodiscard]] std::string planned_key(const ImageSource& source, std::int64_t image);
/// The key without the mask.
[[nodiscard]] std::string_view content_of(std::string_view planned_key);

/// The keypoints of an image that are matched, ascending; nothing: all of `keypoints`. Throws InvalidArgument for a
/// mask of another number of keypoints.
using VisibleKeypoints = std::optional<std::vector<std::int32_t>>;
[[nodiscard]] VisibleKeypoints visible_keypoints(const ImageSource& source, std::int64_t image, std::int64_t keypoints);

/// Copies of rows, or of patches, with these numbers.
[[nodiscard]] Matrix gathered(MatrixView rows, std::span<const std::int32_t> numbers);
[[nodiscard]] PatchSet gathered(PatchView patches, std::span<const std::int32_t> numbers);

}  // namespace twinpatch
