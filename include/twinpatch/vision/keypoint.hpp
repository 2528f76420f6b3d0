// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch {

/// The linear part of the map from a keypoint's own frame, where what it was found by is a disc of radius 1, to the
/// image: (u, v) ↦ (x + a11·u + a12·v, y + a21·u + a22·v). COLMAP's six columns have it.
struct AffineShape {
  float a11 = 0, a12 = 0;
  float a21 = 0, a22 = 0;
  friend bool operator==(const AffineShape&, const AffineShape&) = default;
};
/// Half lengths of the ellipse that the disc becomes, pixels: the shape's singular values.
struct ShapeAxes {
  double longer = 0;
  double shorter = 0;
};
[[nodiscard]] ShapeAxes axes_of(const AffineShape& shape);

/// A place in an image with a size and a direction. The image's corner is (0,0), the centre of its first pixel
/// (0.5, 0.5), y points down (COLMAP's convention; OpenCV's coordinates plus 0.5).
struct Keypoint {
  float x = 0;
  float y = 0;
  float sigma = 0;     ///< scale of the detector, pixels (OpenCV's size / 2 for SIFT)
  float angle = 0;     ///< radians, from x towards y
  float response = 0;  ///< the detector's strength
  /// Where the detector gave more than a size and a direction, which then are this shape's (keypoint_with_shape).
  std::optional<AffineShape> shape{};
  friend bool operator==(const Keypoint&, const Keypoint&) = default;
};

/// A keypoint of that shape. σ is the mean of the lengths of the shape's columns and the angle that of the first, as in
/// COLMAP (FeatureKeypoint::ComputeScale, ComputeOrientation).
[[nodiscard]] Keypoint keypoint_with_shape(float x, float y, const AffineShape& shape);
/// The most that an ellipse may be longer than wide. VLFeat, and COLMAP with it, finds none beyond 5.
inline constexpr double kMostElongated = 10;
/// Why no window can be cut by a keypoint's shape; empty if one can. A shape is there, finite, neither singular nor
/// mirrored, and at most kMostElongated.
[[nodiscard]] std::string shape_fault(const Keypoint& keypoint);

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

/// Text, one line per keypoint: "x y sigma angle" or "x y a11 a12 a21 a22", '#' begins a comment; or COLMAP's form with
/// a first line "N 128" and a descriptor after each keypoint (of four numbers) on its line, which is ignored; or `.npy`
/// float32 [N,4] or [N,6]. Coordinates are those of Keypoint. Lowe's own files (row before column, descriptors on
/// separate lines) are refused. Throws FormatError with the line, IoError.
[[nodiscard]] std::vector<Keypoint> read_keypoints(const std::filesystem::path& path);
/// The place of a keypoint in such a file, for messages: "line 17", or "row 16" of an array.
[[nodiscard]] std::string keypoint_place(const std::filesystem::path& path, std::int64_t keypoint);
/// Text, or `.npy` if the name ends so; floats survive the round trip. Six numbers a keypoint if all have a shape, else
/// four. Atomic.
void write_keypoints(const std::filesystem::path& path, const std::vector<Keypoint>& keypoints);

}  // namespace twinpatch
