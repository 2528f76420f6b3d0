// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/evaluate/comparer.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {

// The three tasks of HPatches (Balntas, Lenc, Vedaldi & Mikolajczyk, CVPR 2017), section 5, on the sequences given.
// The benchmark's own lists of pairs and splits are files of their own; here pairs are drawn from the seed, so figures
// compare networks with each other on the same draw and are near the published ones, not equal to them.

struct HPatchesOptions {
  std::uint64_t seed = 1;
  std::int64_t pairs_per_strip = 1000;  ///< verification: positives drawn from each strip, and as many negatives
  std::int64_t retrieval_queries = 2000;
  std::int64_t retrieval_distractors = 20000;
};

/// Mean figures over the strips of one noise level: e(asy), h(ard), t(ough).
struct HPatchesLevel {
  char level = 'e';
  double verification_same = 0;   ///< AP, negatives from the same sequence
  double verification_other = 0;  ///< AP, negatives from other sequences
  double matching = 0;            ///< mAP over (ref, strip): nearest neighbours ranked by score, right if same row
  double retrieval = 0;           ///< mAP: a ref patch among distractors, its rows in the level's strips relevant
};

struct HPatchesResult {
  std::string name;
  std::vector<HPatchesLevel> levels;
};

/// Throws InvalidArgument for sequences without a ref strip or fewer than two sequences.
[[nodiscard]] HPatchesResult evaluate_hpatches(Comparer& comparer, std::span<const HPatchesSequence> sequences,
                                               const HPatchesOptions& options, const RunControl& control = {});

}  // namespace twinpatch
