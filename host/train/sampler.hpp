// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "random.hpp"
#include "twinpatch/train/augment.hpp"
#include "twinpatch/train/options.hpp"
#include "twinpatch/train/training_set.hpp"

namespace twinpatch::train {

using Scenes = std::vector<std::shared_ptr<const Scene>>;

/// One step's patches: pair i is left patch i and right patch i.
struct PatchBatch {
  std::int64_t step = 0;
  int count = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;    ///< [2 · count, height, width]: every left patch, then every right one
  std::vector<std::uint8_t> matches;   ///< [count]; all 1 where pairs come from groups
  std::vector<std::int32_t> scene;     ///< [count]
  std::vector<std::int64_t> point;     ///< [2 · count], unique over scenes
  std::vector<std::uint8_t> excluded;  ///< [count, count]: 1 where left i and right j may not count as different
};

/// Makes batch number `step` of a run: from (seed, step) alone, whatever was asked before.
class Sampler {
 public:
  Sampler(Scenes scenes, const TrainOptions& options);
  [[nodiscard]] PatchBatch batch(std::int64_t step) const;

 private:
  struct Sample {
    std::int32_t scene = 0;
    std::int32_t left = 0, right = 0;
    bool match = true;
    std::int64_t group = -1;
  };
  /// Which group of which scene is in a batch already.
  using Taken = std::set<std::pair<std::int32_t, std::int64_t>>;
  [[nodiscard]] std::vector<Sample> draw_groups(std::int64_t step) const;
  void draw_from_images(std::int32_t scene, int count, Random& random, Taken& taken,
                        std::vector<Sample>& samples) const;
  [[nodiscard]] std::vector<Sample> draw_list(std::int64_t step) const;
  void mark_excluded(const std::vector<Sample>& samples, PatchBatch& batch) const;

  Scenes scenes_;
  std::vector<double> cumulative_;  ///< of the scenes' shares, by the square root of their number of groups
  TrainOptions options_;
  struct ListedPairs {
    std::vector<IndexPair> matches, others;
  };
  std::vector<ListedPairs> listed_;  ///< one a scene, where pairs come from lists
};

}  // namespace twinpatch::train
