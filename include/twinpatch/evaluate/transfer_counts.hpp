// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace twinpatch {

/// Matches by their distance from the truth (see transfer_errors). A near miss is the right thing badly localised; what
/// is farther off is another thing: two faults, so they are counted apart.
struct TransferCounts {
  std::array<std::int64_t, 3> within{};  ///< at most 1, 2 and 3 pixels off
  std::int64_t near_misses = 0;          ///< more than 3 and at most 8
  std::int64_t others = 0;
};
[[nodiscard]] TransferCounts count_transfers(std::span<const double> errors);

}  // namespace twinpatch
