// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "twinpatch/evaluate/comparer.hpp"
#include "twinpatch/evaluate/hpatches_protocol.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {

// The three tasks of HPatches (Balntas, Lenc, Vedaldi & Mikolajczyk, CVPR 2017) as their authors' program computes them
// (hpatches-benchmark, python/utils). Patches are 65×65 and brought to the comparer's size; curves are
// trapezoidal.hpp's.

/// AP over reference and strip: the nearest neighbour of every reference patch, right if it is the same row; recall
/// counts every row. Means over a sequence's five strips, then over sequences.
struct HPatchesMatching {
  std::optional<double> illumination;  ///< sequences i_…; nothing where there are none
  std::optional<double> viewpoint;     ///< sequences v_…
};

/// Positives against negatives of the same and of other sequences: ROC area with all pairs, AP with all negatives and
/// the first fifth of the positives.
struct HPatchesVerification {
  double same_roc_area = 0, other_roc_area = 0;
  double same_precision = 0, other_precision = 0;
};

/// One noise level: e(asy), h(ard), t(ough).
struct HPatchesLevel {
  char level = 'e';
  HPatchesMatching matching;
  std::optional<HPatchesVerification> verification;
  /// mAP: a reference patch among distractors of other sequences, its rows in the level's five strips relevant; mean
  /// over queries, then over the first 100, 500, 1000, 5000, 10000, 15000 and 20000 entries of the pool.
  std::optional<double> retrieval;
};

struct HPatchesResult {
  std::string name;
  std::vector<HPatchesLevel> levels;
  // What the authors' tables report, means over levels; matching: the mean of illumination's and viewpoint's.
  std::optional<double> matching, verification_precision, verification_roc_area, retrieval;
};

/// Where sequences come from: read when needed, as all of HPatches takes 10 GB.
struct HPatchesSource {
  std::function<HPatchesSequence(const std::string& name)> read;
};

/// Matching always, the other tasks where the protocol has them. Verification holds a level's patches at once, in the
/// comparer's size: 1.3 GB for a split of 40 sequences at 64×64. A level without strips is left out; a task that names
/// a strip that is missing throws InvalidArgument, as does a sequence without a reference.
[[nodiscard]] HPatchesResult evaluate_hpatches(Comparer& comparer, const HPatchesSource& source,
                                               const HPatchesProtocol& protocol, const RunControl& control = {});

}  // namespace twinpatch
