// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch {

Budget::Budget(const Engine& engine, const Engine* rerank, Extent patch, std::int64_t tile_keypoints, bool sampled)
    : memory_(engine.memory()),
      tiles_(sampled ? 3 : 2),
      row_bytes_((rerank == nullptr ? 1 : 2) * std::max<std::int64_t>(1, engine.row_bytes(patch.height, patch.width))),
      patch_bytes_(rerank == nullptr ? 0 : std::int64_t{patch.height} * patch.width),
      ahead_(memory_ / 8) {
  const std::int64_t kept = memory_ / 2;
  tile_keypoints_ = std::max<std::int64_t>(1, kept / tiles_ / (row_bytes_ + patch_bytes_));
  const std::int64_t keypoint = row_bytes_ + patch_bytes_;
  const std::int64_t tiles = std::min(tile_keypoints, tile_keypoints_) * tiles_ * keypoint;
  rows_ahead_ = std::min(kept / 4, kept - tiles);
  rows_ = (kept - rows_ahead_) / keypoint * row_bytes_;
  patches_ = (kept - rows_ahead_) / keypoint * patch_bytes_;
}

void Budget::check_tile(std::int64_t tile_keypoints) const {
  if (tile_keypoints <= tile_keypoints_) return;
  const std::int64_t needed = checked_multiply(2 * tiles_ * tile_keypoints, row_bytes_ + patch_bytes_);
  throw InvalidArgument(
      fmt::format("the run was planned with tiles of {} keypoints: two of them need {} of memory, the limit is {}",
                  tile_keypoints, format_bytes(needed), format_bytes(memory_)));
}

}  // namespace twinpatch
