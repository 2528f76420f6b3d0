// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/vision/keypoint.hpp"

// What COLMAP keeps in the `data` columns: row-major arrays, little-endian.

namespace twinpatch::sfm {

/// A stored array as its row describes it. `what` names it in messages ("keypoints of a.jpg").
struct ColmapArray {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::span<const std::byte> bytes;
  std::string path;
  std::string what;
};

/// float32 [rows, 2 | 4 | 6]; see ColmapDatabase::keypoints.
[[nodiscard]] std::vector<Keypoint> decode_keypoints(const ColmapArray& array, std::optional<float> sigma);
/// float32 [n, 6]: x y a11 a12 a21 a22 with a11 = a22 = σ cos θ, a21 = −a12 = σ sin θ.
[[nodiscard]] std::vector<float> encode_keypoints(std::span<const Keypoint> keypoints);

/// uint32 [rows, 2].
[[nodiscard]] std::vector<IndexPair> decode_matches(const ColmapArray& array);

}  // namespace twinpatch::sfm
