// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "random.hpp"
#include "similarity.hpp"
#include "twinpatch/dataset/dataset_writer.hpp"
#include "twinpatch/patches/pair_list.hpp"

namespace twinpatch::dataset {

/// Patches sorted by point: those of group g are [begins[g], begins[g + 1]).
struct Groups {
  std::span<const PatchRecord> records;
  std::vector<std::int64_t> begins;
  float extent = 12.0F;  ///< side of a window in sigma

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(begins.size()) - 1; }
};

/// Pairs of patches of one group, over all groups.
[[nodiscard]] std::int64_t count_matches(const Groups& groups);
/// Up to `count` different matching pairs: one of every group, then a second one of every group, and so on, so that
/// long tracks do not fill the list.
[[nodiscard]] std::vector<IndexPair> sample_matches(const Groups& groups, std::int64_t count, Random& random);
/// Up to `count` different pairs of patches of two groups, uniform over groups. Windows that overlap by much in one
/// image show the same thing, whatever their points' numbers are: such pairs are left out.
[[nodiscard]] std::vector<IndexPair> draw_non_matches(const Groups& groups, std::int64_t count, Random& random);

struct HardPairs {
  std::vector<IndexPair> matches;      ///< least alike first
  std::vector<IndexPair> non_matches;  ///< most alike first
};
/// The `count` least alike of ten times as many matches (without the last per cent, where wrong labels gather), and the
/// most alike of forty times as many non-matches. Fewer where there are not enough; both lists have one length.
[[nodiscard]] HardPairs draw_hard_pairs(const Groups& groups, std::span<const GradientHistogram> histograms,
                                        std::int64_t count, Random& random);

}  // namespace twinpatch::dataset
