// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "twinpatch/backend/backend.hpp"

namespace twinpatch {

NotFinite NotFinite::of_score(const std::string& network, IndexPair pair, std::optional<float> score,
                              std::int64_t right_set) {
  NotFinite error(fmt::format("network {}: the score of left patch {} and right patch {} is not finite{}", network,
                              pair.left, pair.right, score ? fmt::format(" ({})", *score) : ""),
                  pair, score);
  error.right_set_ = right_set;
  return error;
}

NotFinite NotFinite::of_descriptor(const std::string& network, std::int64_t index) {
  return NotFinite(fmt::format("network {}: the descriptor of patch {} is not finite", network, index), index);
}

}  // namespace twinpatch
