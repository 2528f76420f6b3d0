// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/transfer_counts.hpp"

namespace twinpatch {

TransferCounts count_transfers(std::span<const double> errors) {
  constexpr double kNear = 8;
  TransferCounts counts;
  for (const double error : errors) {
    for (std::size_t i = 0; i < counts.within.size(); ++i) {
      if (error <= static_cast<double>(i + 1)) ++counts.within[i];
    }
    if (error <= static_cast<double>(counts.within.size())) continue;
    ++(error <= kNear ? counts.near_misses : counts.others);
  }
  return counts;
}

}  // namespace twinpatch
