// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch {

/// A place in an image with a size and a direction. The image's corner is (0,0), the centre of its first pixel
/// (0.5, 0.5), y points down (COLMAP's convention; OpenCV's coordinates plus 0.5).
struct Keypoint {
  float x = 0;
  float y = 0;
  float sigma = 0;     ///< scale of the detector, pixels (OpenCV's size / 2 for SIFT)
  float angle = 0;     ///< radians, from x towards y
  float response = 0;  ///< the detector's strength
  friend bool operator==(const Keypoint&, const Keypoint&) = default;
};

/// Whether the scales of an image's keypoints mean anything. A detector without scales leaves the same number for all:
/// 0, or 1 as an identity shape (ALIKED in COLMAP 4). A single keypoint has a scale if it is neither.
[[nodiscard]] bool have_scales(std::span<const Keypoint> keypoints);

struct DetectOptions {
  int max_keypoints = 2000;  ///< keeps the strongest; 0: all
  std::string image{};       ///< its name, for messages
  std::int64_t memory = 0;  ///< bound in bytes on tiles sought in at once, but never less than one; 0: half of what the
                            ///< host has available
};
/// Peak memory of the detection on so many threads, in bytes. A large image is divided (see detect_keypoints), so that
/// one thread takes at most 490 MB, and the image one byte a pixel.
[[nodiscard]] std::int64_t detection_bytes(int width, int height, int threads);

/// SIFT keypoints (Lowe 2004) by OpenCV, strongest first, ties by position; never more than asked for. OpenCV places
/// them a quarter of a pixel too far right and down; this is corrected. Images smaller than 8 pixels have none.
/// Images above 2.07 megapixels are divided into overlapping tiles, by their size alone: neither memory nor the number
/// of threads changes what is found. Keypoints of σ > 10 are then sought in the image at a quarter of its size. One
/// keypoint in a thousand differs from those of the image at once, of those with σ > 10 one in eight.
/// Throws OutOfMemory naming the image (see detection_bytes).
[[nodiscard]] std::vector<Keypoint> detect_keypoints(const GrayImage& image, const DetectOptions& options,
                                                     ThreadPool& pool);
/// The same on one thread.
[[nodiscard]] std::vector<Keypoint> detect_keypoints(const GrayImage& image, const DetectOptions& options);

/// Text, one line per keypoint: "x y sigma angle", '#' begins a comment; or COLMAP's form with a first line "N 128" and
/// a descriptor after each keypoint on its line, which is ignored; or `.npy` float32 [N,4]. Coordinates are those of
/// Keypoint. Lowe's own files (row before column, descriptors on separate lines) are refused. Throws FormatError
/// with the line, IoError.
[[nodiscard]] std::vector<Keypoint> read_keypoints(const std::filesystem::path& path);
/// The place of a keypoint in such a file, for messages: "line 17", or "row 16" of an array.
[[nodiscard]] std::string keypoint_place(const std::filesystem::path& path, std::int64_t keypoint);
/// Text, or `.npy` if the name ends so; floats survive the round trip. Atomic.
void write_keypoints(const std::filesystem::path& path, const std::vector<Keypoint>& keypoints);

}  // namespace twinpatch
