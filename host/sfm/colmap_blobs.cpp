// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "colmap_blobs.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "twinpatch/core/error.hpp"

namespace twinpatch::sfm {
namespace {

[[noreturn]] void fail(const ColmapArray& array, const std::string& what) {
  throw FormatError(array.path, -1, fmt::format("{}: {}", array.what, what));
}

/// The blob must hold exactly what its row promises: checked before anything is allocated.
void check_size(const ColmapArray& array) {
  const auto size = static_cast<std::int64_t>(array.bytes.size());
  if (array.rows < 0 || array.rows > size || array.rows * array.columns * 4 != size) {
    fail(array, fmt::format("{} rows of {} columns in {} bytes", array.rows, array.columns, size));
  }
}

/// Two columns: the scale is 0.
Keypoint to_keypoint(const std::array<float, 6>& row, std::int64_t columns) {
  if (columns == 6) return keypoint_with_shape(row[0], row[1], {row[2], row[3], row[4], row[5]});
  return {.x = row[0], .y = row[1], .sigma = row[2], .angle = row[3], .response = 0};
}

}  // namespace

std::vector<Keypoint> decode_keypoints(const ColmapArray& array, std::optional<float> sigma) {
  if (array.rows == 0) return {};
  if (array.columns != 2 && array.columns != 4 && array.columns != 6) {
    fail(array, fmt::format("{} columns, expected 2, 4 or 6", array.columns));
  }
  check_size(array);
  std::vector<Keypoint> keypoints;
  keypoints.reserve(static_cast<std::size_t>(array.rows));
  const auto row_bytes = static_cast<std::size_t>(array.columns) * sizeof(float);
  for (std::int64_t i = 0; i < array.rows; ++i) {
    std::array<float, 6> row{};
    std::memcpy(row.data(), array.bytes.data() + static_cast<std::size_t>(i) * row_bytes, row_bytes);
    keypoints.push_back(to_keypoint(row, array.columns));
  }
  if (array.columns != 2 && have_scales(keypoints)) return keypoints;
  if (!sigma) {
    fail(array, array.columns == 2 ? "two columns, no scale and angle: set the size of a patch"
                                   : "the same scale for all, which is none: set the size of a patch");
  }
  for (Keypoint& keypoint : keypoints) {
    keypoint.sigma = *sigma;
    keypoint.shape.reset();  // one of no size
  }
  return keypoints;
}

std::vector<float> encode_keypoints(std::span<const Keypoint> keypoints) {
  std::vector<float> values;
  values.reserve(keypoints.size() * 6);
  for (const Keypoint& keypoint : keypoints) {
    const float c = keypoint.sigma * std::cos(keypoint.angle);
    const float s = keypoint.sigma * std::sin(keypoint.angle);
    values.insert(values.end(), {keypoint.x, keypoint.y, c, -s, s, c});
  }
  return values;
}

std::vector<IndexPair> decode_matches(const ColmapArray& array) {
  if (array.rows == 0) return {};
  if (array.columns != 2) fail(array, fmt::format("{} columns, expected 2", array.columns));
  check_size(array);
  std::vector<IndexPair> matches(static_cast<std::size_t>(array.rows));
  std::memcpy(matches.data(), array.bytes.data(), array.bytes.size());
  for (const IndexPair& match : matches) {
    if (match.left < 0 || match.right < 0) fail(array, "an index beyond 2147483647");
  }
  return matches;
}

}  // namespace twinpatch::sfm
