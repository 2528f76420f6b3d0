// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "list_labels.hpp"
#include "random.hpp"
#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/patches/candidate_lists.hpp"
#include "twinpatch/train/options.hpp"

namespace twinpatch::train {

using ListSets = std::vector<std::shared_ptr<const CandidateLists>>;

/// One step's lists: keypoints, their candidates but for those that are ignored, and which of them is right.
struct ListBatch {
  std::int64_t step = 0;
  int lists = 0, height = 0, width = 0;
  bool swapped = false;              ///< the network sees candidates on the left
  std::vector<std::uint8_t> pixels;  ///< [lists + candidates, height, width]: keypoints, then candidates list by list
  std::vector<std::int64_t> owner;   ///< [candidates]: their list
  std::vector<float> similarity;     ///< [candidates]
  std::vector<std::int64_t> right;   ///< [lists]: the right candidate, or −1: none of them
};

/// Throws InvalidArgument for datasets of different first networks or numbers of candidates, ShapeError for patches of
/// different sizes.
void check_alike(const ListSets& sets);

/// Makes batch number `step` of a run: from (seed, step) alone, whatever was asked before.
class ListSampler {
 public:
  /// Without the swap of left and right only lists of keypoints whose image comes before their candidates'.
  /// Throws InvalidArgument where there is no list of a kind that is drawn.
  ListSampler(ListSets sets, const TrainOptions& options);
  [[nodiscard]] ListBatch batch(std::int64_t step) const;
  [[nodiscard]] const ListSets& sets() const noexcept { return sets_; }
  /// How many lists there are of each kind.
  [[nodiscard]] std::array<std::int64_t, kListKinds> counts() const;

 private:
  /// Of one dataset: its lists of each kind.
  using ByKind = std::array<std::vector<std::int64_t>, kListKinds>;
  /// A list's dataset and its place there.
  struct Drawn {
    std::size_t set = 0;
    std::int64_t list = 0;
  };
  [[nodiscard]] std::vector<Drawn> draw(std::int64_t step) const;

  ListSets sets_;
  TrainOptions options_;
  std::vector<ByKind> by_kind_;
  std::array<double, kListKinds> cumulative_{};  ///< of the kinds' shares
};

/// The lists that batches and validation are made of: the right candidate and the most similar others that are wrong,
/// at most `most` of them, the most similar first.
[[nodiscard]] LabelledList shortened(const LabelledList& list, int most);

/// Weight of the similarity and "none" as they are best without a second network, on at most 20,000 lists; the
/// network's weight is 1. What training starts from: the network learns the rest.
[[nodiscard]] TwoStageRule fit_first_stage(const ListSets& sets, const TrainOptions& options);

}  // namespace twinpatch::train
