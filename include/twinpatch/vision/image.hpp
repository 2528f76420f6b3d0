// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "twinpatch/core/buffer.hpp"

namespace twinpatch {

/// Grey image, 8 bits, row-major without padding.
class GrayImage {
 public:
  GrayImage() = default;
  GrayImage(int width, int height) : pixels_(std::int64_t{width} * height), width_(width), height_(height) {}
  [[nodiscard]] int width() const noexcept { return width_; }
  [[nodiscard]] int height() const noexcept { return height_; }
  [[nodiscard]] std::uint8_t* row(int y) noexcept { return pixels_.data() + std::int64_t{y} * width_; }
  [[nodiscard]] const std::uint8_t* row(int y) const noexcept { return pixels_.data() + std::int64_t{y} * width_; }

 private:
  Buffer<std::uint8_t> pixels_;
  int width_ = 0;
  int height_ = 0;
};

/// What becomes white in an image with 16 bits a channel: 65535, or the largest value in it (cameras that store 10 or
/// 12 bits as they are use a small part of the 16).
enum class Levels { full, stretched };

/// Decodes a photograph to grey. The pixels are those stored in the file: an EXIF orientation is not applied, so that
/// coordinates refer to the stored pixels, as in COLMAP. Throws IoError (unreadable), FormatError (not an image, or
/// truncated: a half-written file is refused, not padded).
[[nodiscard]] GrayImage read_image(const std::filesystem::path& path, Levels levels = Levels::full);
/// Throws FormatError if the bytes of an image file are truncated or damaged, as far as can be told without decoding:
/// JPEG and PNG files, and empty ones.
void check_image_complete(std::span<const std::byte> bytes, const std::filesystem::path& path);
/// PNG or by extension; atomic.
void write_image(const std::filesystem::path& path, const GrayImage& image);

}  // namespace twinpatch
