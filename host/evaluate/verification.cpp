// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/verification.hpp"

#include <algorithm>

#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {

VerificationResult evaluate_pairs(Comparer& comparer, PatchView patches, const PairList& list,
                                  const RunControl& control) {
  if (list.matches.empty())
    throw InvalidArgument(list.path + ": has no labels; an evaluation must know which pairs match");
  check_pairs(list.pairs, patches.count, patches.count, list.path);

  VerificationResult result;
  result.name = comparer.name();
  if (comparer.takes(patches.height, patches.width)) {
    result.scores = comparer.score(patches, patches, list.pairs, control);
  } else {
    const PatchSet resized = resize_patches(patches, comparer.side());
    result.scores = comparer.score(resized.view(), resized.view(), list.pairs, control);
  }
  result.matches = std::count(list.matches.begin(), list.matches.end(), std::uint8_t{1});
  result.others = std::ssize(list.matches) - result.matches;
  for (std::size_t i = 0; i < result.fpr95.size(); ++i) {
    result.fpr95[i] = fpr95(result.scores, list.matches, static_cast<Fpr95>(i));
  }
  result.roc_auc = roc_auc(result.scores, list.matches);
  result.average_precision = average_precision(result.scores, list.matches);
  return result;
}

}  // namespace twinpatch
