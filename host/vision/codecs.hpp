// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "opencv.hpp"

namespace twinpatch::vision {

/// cv::imdecode and cv::imencode. There are two bodies and the build takes one: codecs_linked.cpp calls the library,
/// codecs_lazy.cpp loads it at the first call (see there).
[[nodiscard]] cv::Mat codecs_decode(cv::InputArray bytes, int flags);
[[nodiscard]] bool codecs_encode(const std::string& extension, cv::InputArray image, std::vector<unsigned char>& bytes,
                                 const std::vector<int>& parameters);

/// Any image file's bytes → 8-bit grey or BGR, stored pixels (no EXIF turn). Throws FormatError with `path`.
enum class Colour { grey, bgr };
[[nodiscard]] cv::Mat decode_image(std::span<const std::byte> bytes, const std::filesystem::path& path, Colour colour,
                                   Levels levels = Levels::full);
[[nodiscard]] cv::Mat read_mat(const std::filesystem::path& path, Colour colour, Levels levels = Levels::full);

[[nodiscard]] std::vector<std::byte> encode_png(const cv::Mat& image);
/// Encodes by the path's extension (PNG where it has none) and puts the file in place whole or not at all.
void write_mat(const std::filesystem::path& path, const cv::Mat& image);

}  // namespace twinpatch::vision
