// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/siamese_grid.hpp"

#include <algorithm>
#include <variant>

namespace twinpatch {

std::int64_t siamese_tile_rows(const NetworkSpec& spec, std::int64_t memory, const TileLimits& limits) {
  std::int64_t length = branch_size(spec);
  bool deep = false;
  if (const auto* decision = std::get_if<DecisionLayers>(&spec.decision)) {
    length = std::max<std::int64_t>(length, std::get<Linear>(decision->layers.front()).out);
    deep = decision->layers.size() > 3;
  }
  const std::int64_t rows = memory / 8 / (length * limits.bytes_per_value);
  return std::clamp(rows / limits.grain * limits.grain, limits.smallest, deep ? limits.largest_deep : limits.largest);
}

double summation_slack(std::int64_t length) { return static_cast<double>(length + 8) * 0x1p-24; }

}  // namespace twinpatch
