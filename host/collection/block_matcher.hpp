// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "budget.hpp"
#include "guided_pass.hpp"
#include "image_rows.hpp"
#include "twinpatch/collection/run.hpp"
#include "twinpatch/core/lru_cache.hpp"
#include "twinpatch/engine/two_stage.hpp"

namespace twinpatch {

/// What was found of a pair of images, in the way of PairSink.
struct FoundPair {
  ImagePair pair;
  std::span<const Match> matches;
  bool dropped = false;  ///< by an early exit
};
using FoundSink = std::function<void(const FoundPair&)>;

/// Matches the pairs of blocks: an image with all its partners in a block at once. Rows of images stay on the device
/// from block to block; those of the next images are made meanwhile. For one thread.
class BlockMatcher {
 public:
  /// `descriptors`: the folder that keeps them; empty: a temporary file. `events` may be null.
  BlockMatcher(const CollectionWork& work, const std::filesystem::path& descriptors, RunEvents* events,
               const RunControl& control);

  /// The sorted pairs of a block, or some of them. `next`: those that come after them, to read ahead for.
  void match(std::span<const ImagePair> pairs, std::span<const ImagePair> next, const FoundSink& sink);
  /// Waits until descriptors are stored. Throws what storing them threw.
  void finish() { images_.finish(); }
  /// Hits, patches described, and so on, so far.
  [[nodiscard]] const CollectionStatistics& statistics();

 private:
  /// Pairs of one left image.
  struct ImageGroup {
    std::int32_t first = 0;
    std::vector<std::int32_t> seconds;
  };
  /// Matches of one of a group's partners; nothing: an early exit dropped it.
  using PartnerMatches = std::optional<std::vector<Match>>;
  [[nodiscard]] std::shared_ptr<const SideRows> rows(std::int32_t image, Side side);
  [[nodiscard]] std::shared_ptr<const SideRows> take_rows(const RowKey& key);
  [[nodiscard]] std::shared_ptr<const PatchSet> patches(std::int32_t image);
  [[nodiscard]] std::vector<ImageGroup> groups(std::span<const ImagePair> pairs) const;
  [[nodiscard]] std::vector<std::int32_t> with_keypoints(const ImageGroup& group) const;
  [[nodiscard]] std::int64_t matched_keypoints(std::int32_t image) const;
  void restore_numbers(std::int32_t image, std::span<const std::int32_t> partners,
                       std::vector<std::vector<Match>>& found) const;
  void match_group(const ImageGroup& group, const FoundSink& sink);
  [[nodiscard]] std::vector<PartnerMatches> compare(std::int32_t image, std::span<const std::int32_t> partners);
  [[nodiscard]] GuidedGroup named_group(std::int32_t image, std::span<const std::int32_t> partners) const;
  [[nodiscard]] std::vector<bool> promising(std::int32_t image, std::span<const std::int32_t> partners,
                                            const GuidedGroup& group, const SideRows& left);
  [[nodiscard]] MatchRules sample_rules() const;
  [[nodiscard]] bool needs_matches(std::int32_t image, std::int32_t partner) const;
  [[nodiscard]] std::vector<std::vector<Match>> first_pass(std::int32_t image, std::span<const std::int32_t> partners,
                                                           const GuidedGroup& group);
  void second_pass(std::int32_t image, std::span<const std::int32_t> partners, const GuidedGroup& group,
                   std::vector<std::vector<Match>>& found);
  [[nodiscard]] std::vector<std::vector<Match>> two_stages(std::int32_t image, std::span<const std::int32_t> partners);
  [[nodiscard]] std::vector<Match> match_in_two_stages(ImagePair pair);
  [[nodiscard]] Candidates find_candidates(ImagePair pair);
  /// Rows of two images, what of them is compared, and what of that is a match.
  struct Band {
    const RowChunks& left;
    const RowChunks& right;
    const GridMask& mask;
    const MatchRules& rules;
  };
  [[nodiscard]] std::vector<Match> match_in_band(ImagePair pair, const Band& band);
  [[noreturn]] void throw_of_images(ImagePair pair, const NotFinite& error) const;
  void expect(std::span<const ImagePair> pairs, std::span<const ImagePair> next);
  [[nodiscard]] const PlannedImage& planned(std::int32_t image) const {
    return work_.plan.images[static_cast<std::size_t>(image)];
  }

  CollectionWork work_;
  RunEvents* events_;
  RunControl control_;
  Budget budget_;
  LruCache<RowKey, std::shared_ptr<const SideRows>> rows_;
  LruCache<std::int32_t, std::shared_ptr<const PatchSet>> patches_;
  ImageRows images_;
  std::optional<TwoStageRule> rule_;  ///< with a second network
  CollectionStatistics statistics_;
  std::int64_t row_uses_ = 0;  ///< two for each grid
};

}  // namespace twinpatch
