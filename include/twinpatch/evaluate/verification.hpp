// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "twinpatch/evaluate/comparer.hpp"
#include "twinpatch/evaluate/metrics.hpp"
#include "twinpatch/patches/pair_list.hpp"

namespace twinpatch {

/// How well scores separate matching pairs from non-matching ones.
struct VerificationResult {
  std::string name;
  std::int64_t matches = 0;
  std::int64_t others = 0;
  std::array<double, 4> fpr95{};  ///< in the order of enum Fpr95
  double roc_auc = 0;
  double average_precision = 0;
  std::vector<float> scores;  ///< of every pair, in the order of the list
};

/// Throws InvalidArgument if the list has no labels, or labels of only one kind.
[[nodiscard]] VerificationResult evaluate_pairs(Comparer& comparer, PatchView patches, const PairList& list,
                                                const RunControl& control = {});

}  // namespace twinpatch
