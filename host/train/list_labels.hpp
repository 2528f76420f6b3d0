// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "twinpatch/evaluate/two_stage.hpp"
#include "twinpatch/patches/candidate_lists.hpp"
#include "twinpatch/train/options.hpp"

namespace twinpatch::train {

/// What is true of one candidate: right within 3 pixels, half an octave and 45 degrees; wrong beyond 5 pixels; else
/// ignored: it may be the same place, seen by another keypoint.
[[nodiscard]] CandidateTruth truth_of(const Candidate& candidate);

/// A list with one right candidate at most: of several the nearest, the others are ignored.
struct LabelledList {
  std::vector<Candidate> candidates;
  std::vector<CandidateTruth> truths;
  std::int64_t right = -1;  ///< which of them; −1: none
};
[[nodiscard]] LabelledList label_list(const CandidateLists& lists, std::int64_t i);

/// Nothing where no answer is right: no candidate is, but one may be.
[[nodiscard]] std::optional<ListKind> kind_of(const LabelledList& list);

}  // namespace twinpatch::train
