// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "scorer_parts.hpp"

namespace twinpatch::cuda {

/// Listed pairs of one network on a device. Called within a turn, with rows that were checked and some pairs.
class PairList {
 public:
  virtual ~PairList() = default;
  /// scores[n] of pairs[n]. Waits.
  virtual void score(const Rows& left, const Rows& right, std::span<const IndexPair> pairs, std::span<float> scores,
                     const RunControl& control) = 0;
};

[[nodiscard]] std::unique_ptr<PairList> make_siamese_list(ScorerParts& parts);
[[nodiscard]] std::unique_ptr<PairList> make_two_channel_list(ScorerParts& parts);

}  // namespace twinpatch::cuda
