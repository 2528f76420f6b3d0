// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "tiles.hpp"

#include <set>
#include <utility>

#include "twinpatch/core/checked.hpp"

namespace twinpatch {
namespace {

/// Keeps the list of a block's pairs small.
constexpr std::int64_t kMostImages = 256;

}  // namespace

std::vector<ImageRange> cut_tiles(const std::vector<PlannedImage>& images, std::int64_t tile_keypoints,
                                  std::int32_t first) {
  std::vector<ImageRange> tiles;
  std::int64_t in_tile = 0;
  for (std::int32_t i = first; i < std::ssize(images); ++i) {
    const std::int64_t count = images[static_cast<std::size_t>(i)].keypoints;
    const bool fits = !tiles.empty() && in_tile + count <= tile_keypoints && tiles.back().size() < kMostImages;
    if (!fits) {
      tiles.push_back({i, i});
      in_tile = 0;
    }
    tiles.back().end = i + 1;
    in_tile += count;
  }
  return tiles;
}

void count_pairs(Block& block, const std::vector<ImagePair>& pairs, const std::vector<PlannedImage>& images) {
  block.pairs = std::ssize(pairs);
  block.comparisons = 0;
  for (const ImagePair pair : pairs) {
    block.comparisons += checked_multiply(images[static_cast<std::size_t>(pair.first)].keypoints,
                                          images[static_cast<std::size_t>(pair.second)].keypoints);
  }
}

void add_blocks(CollectionPlan& plan, const PairSelection& pairs, int generation) {
  std::set<std::pair<std::int32_t, std::int32_t>> there;
  for (const Block& block : plan.blocks) there.emplace(block.rows.begin, block.columns.begin);
  bool forwards = true;
  for (std::size_t row = 0; row < plan.tiles.size(); ++row) {
    const std::size_t columns = plan.tiles.size() - row;
    for (std::size_t n = 0; n < columns; ++n) {
      Block block{.number = std::ssize(plan.blocks),
                  .rows = plan.tiles[row],
                  .columns = plan.tiles[row + (forwards ? n : columns - 1 - n)],
                  .generation = generation};
      if (there.contains({block.rows.begin, block.columns.begin})) continue;
      count_pairs(block, pairs.within(block.rows, block.columns), plan.images);
      if (block.pairs > 0) plan.blocks.push_back(block);
    }
    forwards = !forwards;
  }
}

}  // namespace twinpatch
