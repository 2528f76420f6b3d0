// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace twinpatch::vision {

[[nodiscard]] bool is_jpeg(std::span<const std::byte> bytes);

/// Throws FormatError where a JPEG or PNG file ends before its image does, or a PNG chunk's checksum is wrong.
///
/// The decoders do not tell: OpenCV returns a JPEG that was cut off as a full-size image whose lower part is grey
/// (libjpeg fills in what is missing and only warns), and coordinates, keypoints and matches would be computed on it
/// without a word. Other formats pass; their decoders refuse a file that is too short.
void check_complete(std::span<const std::byte> bytes, const std::string& path);

}  // namespace twinpatch::vision
