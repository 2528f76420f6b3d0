// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// How a run's memory is shared out: a half for the rows (and, for a second network, patches) of a block, and for the
/// rows that are made ahead for the next one; the rest for what a pair needs and for images read ahead.
class Budget {
 public:
  /// `tile_keypoints`: of the plan; 0: of none yet. `sampled`: left images have rows of a sample too, which take at
  /// most what they take themselves.
  Budget(const Engine& engine, const Engine* rerank, Extent patch, std::int64_t tile_keypoints = 0,
         bool sampled = false);
  /// Bytes for rows kept on the device.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  /// Bytes that rows of a keypoint take: of both sides of a grid where there is a second network.
  [[nodiscard]] std::int64_t row_bytes() const { return row_bytes_; }
  /// Bytes for rows made ahead (and their patches): up to a quarter of the half, if two tiles fit beside them.
  [[nodiscard]] std::int64_t rows_ahead() const { return rows_ahead_; }
  /// Bytes for patches kept for the second network; 0 without one.
  [[nodiscard]] std::int64_t patches() const { return patches_; }
  /// Bytes that the patch of a keypoint takes; 0 without a second network.
  [[nodiscard]] std::int64_t patch_bytes() const { return patch_bytes_; }
  /// Bytes for images that wait to be used.
  [[nodiscard]] std::int64_t ahead() const { return ahead_; }
  /// Keypoints of a tile of which two fit.
  [[nodiscard]] std::int64_t tile_keypoints() const { return tile_keypoints_; }
  /// Throws InvalidArgument, saying how much memory is needed, where two tiles of this size do not fit.
  void check_tile(std::int64_t tile_keypoints) const;

 private:
  std::int64_t memory_;
  std::int64_t tiles_;  ///< whose rows are there at once
  std::int64_t row_bytes_;
  std::int64_t patch_bytes_;  ///< 0 without a second network
  std::int64_t rows_ahead_;
  std::int64_t rows_;
  std::int64_t patches_;
  std::int64_t ahead_;
  std::int64_t tile_keypoints_;
};

}  // namespace twinpatch
