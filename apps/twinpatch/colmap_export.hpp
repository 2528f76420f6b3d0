// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "apps/twinpatch/colmap_images.hpp"
#include "twinpatch/collection/matches.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"

namespace twinpatch::app {

class Options;

/// What went into the database.
struct ColmapExport {
  ColmapWriteCounts counts;
  std::vector<ImagePair> matched;  ///< pairs with a match, sorted
  std::int64_t pairs = 0;          ///< of the run
  std::int64_t dropped = 0;        ///< of them, by an early exit
  std::int64_t calibrated = 0;     ///< verified pairs by what they are
  std::int64_t uncalibrated = 0;
  std::int64_t planar = 0;
  std::int64_t watermarks = 0;
  std::int64_t degenerate = 0;
  double seconds = 0;
};

/// The matches of a finished run into the database, sorted by pair, verified on the way with --verify.
[[nodiscard]] ColmapExport export_matches(Session& session, const ColmapOptions& options, const ColmapImages& images,
                                          const CollectionMatches& matches, std::optional<float> sigma);

}  // namespace twinpatch::app
