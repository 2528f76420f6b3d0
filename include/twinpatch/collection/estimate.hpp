// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "twinpatch/collection/work.hpp"

namespace twinpatch {

/// The cost of a run, before it starts.
struct RunEstimate {
  std::int64_t images_with_keypoints = 0;
  std::int64_t device_bytes = 0;      ///< rows kept at once, at most
  std::int64_t descriptor_bytes = 0;  ///< kept on disk; 0 for networks without descriptors
  std::int64_t result_bytes = 0;      ///< block files, if pairs have as many matches as the sampled ones
  std::int64_t row_loads = 0;         ///< images whose rows must be made, over all blocks
  double hit_rate = 0;                ///< share of uses of an image's rows that find them on the device

  // Measured on this host with a few images, and extrapolated.
  double load_seconds_per_image = 0;  ///< reading, decoding, cutting: in parallel with the engine's work
  double patches_per_second = 0;      ///< through the tower; 0 for networks without descriptors
  double comparisons_per_second = 0;
  double rerank_pairs_per_second = 0;  ///< 0 without a second network
  double matches_per_pair = 0;
  double candidates_per_pair = 0;  ///< that the second network scores; 0 without one
  double seconds = 0;              ///< of the blocks asked for
};

/// Of the blocks with these numbers. Tries the engine on up to four images with keypoints from the middle of the
/// collection, for a few seconds. Throws what the source and the engine throw.
[[nodiscard]] RunEstimate estimate_run(const CollectionWork& work, std::span<const std::int64_t> blocks,
                                       const RunControl& control = {});

}  // namespace twinpatch
