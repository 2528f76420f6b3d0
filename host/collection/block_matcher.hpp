// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

#include "budget.hpp"
#include "byte_cache.hpp"
#include "descriptor_disk_cache.hpp"
#include "image_reader.hpp"
#include "twinpatch/collection/run.hpp"

namespace twinpatch {

/// Matches the pairs of blocks: rows of images stay on the device from pair to pair and block to block, images are read
/// ahead. For one thread.
class BlockMatcher {
 public:
  /// `descriptors`: the folder that keeps them; empty: a temporary file. `events` may be null.
  BlockMatcher(const CollectionWork& work, const std::filesystem::path& descriptors, RunEvents* events,
               const RunControl& control);

  /// Pairs of a block in order. `next`: the block after it, to read ahead for; may be null.
  void match(const Block& block, const Block* next, const PairSink& sink);
  /// Hits, patches described, and so on, so far.
  [[nodiscard]] const CollectionStatistics& statistics();

 private:
  using RowKey = std::pair<std::int32_t, Side>;
  [[nodiscard]] std::shared_ptr<const RowChunks> rows(std::int32_t image, Side side);
  [[nodiscard]] RowChunks make_rows(std::int32_t image, Side side);
  [[nodiscard]] std::shared_ptr<const PatchSet> patches(std::int32_t image);
  [[nodiscard]] std::vector<Match> match_pair(ImagePair pair);
  [[nodiscard]] std::vector<Match> rescore(ImagePair pair, const std::vector<Match>& survivors);
  void expect(const Block& block, const Block* next);
  [[nodiscard]] const PlannedImage& planned(std::int32_t image) const {
    return work_.plan.images[static_cast<std::size_t>(image)];
  }

  CollectionWork work_;
  RunEvents* events_;
  RunControl control_;
  bool two_channel_;
  Budget budget_;
  DescriptorKeys keys_;
  std::unique_ptr<DescriptorDiskCache> disk_cache_;
  ByteCache<RowKey, std::shared_ptr<const RowChunks>> rows_;
  ByteCache<std::int32_t, std::shared_ptr<const PatchSet>> patches_;
  ImageReader reader_;
  CollectionStatistics statistics_;
};

}  // namespace twinpatch
