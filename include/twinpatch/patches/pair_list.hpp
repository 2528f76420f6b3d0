// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace twinpatch {

/// A pair of patches by index; laid out as one row of an int32 [M,2] array.
struct IndexPair {
  std::int32_t left = 0;
  std::int32_t right = 0;
  friend bool operator==(const IndexPair&, const IndexPair&) = default;
};
static_assert(sizeof(IndexPair) == 8);

/// Pairs, with labels if the file has them.
struct PairList {
  std::vector<IndexPair> pairs;
  std::vector<std::uint8_t> matches;  ///< 1: the same point, 0: different points; empty if the file has no labels
  std::string path;
};

/// `.npy` int32 [M,2], or a PhotoTour list "patch1 point1 0 patch2 point2 0 [0]" with six or seven integers per line;
/// a pair matches if point1 == point2. Throws FormatError (with the line), IoError.
[[nodiscard]] PairList read_pair_list(const std::filesystem::path& path);

/// Throws InvalidArgument naming the first pair whose indices are not in [0, left_count) × [0, right_count).
void check_pairs(std::span<const IndexPair> pairs, std::int64_t left_count, std::int64_t right_count,
                 const std::string& path);

/// PhotoTour `info.txt`: one line per patch, "3DpointID unused". Returns the point of each patch.
[[nodiscard]] std::vector<std::int64_t> read_photo_tour_info(const std::filesystem::path& path);

/// The default pair list of a PhotoTour folder: the largest m50_*.txt, ties by name. Throws Error if there is none.
[[nodiscard]] std::filesystem::path default_pair_list(const std::filesystem::path& folder);

}  // namespace twinpatch
