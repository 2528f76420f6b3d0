// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "budget.hpp"
#include "hash.hpp"
#include "plan_id.hpp"
#include "twinpatch/core/checked.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch {
namespace {

/// Bounds on a tile that keep a block short enough to be lost (4·10⁹ comparisons: a minute on a few cores) and its list
/// of pairs small.
constexpr std::int64_t kMostKeypoints = 65536;
constexpr std::int64_t kMostImages = 256;
/// Tiles that a collection is cut into at least, so that shards have blocks to share; but not below so many keypoints.
constexpr std::int64_t kWantedTiles = 12;
constexpr std::int64_t kFewestKeypoints = 4096;

/// Neighbouring images while their keypoints fit; an image with more than fit is a tile of its own.
std::vector<ImageRange> cut_tiles(const std::vector<PlannedImage>& images, std::int64_t tile_keypoints) {
  std::vector<ImageRange> tiles;
  std::int64_t in_tile = 0;
  for (std::int32_t i = 0; i < std::ssize(images); ++i) {
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

/// Rows fixed, columns streamed there and back again: what was used last is used first. Blocks without a pair are left
/// out.
std::vector<Block> cut_blocks(const CollectionPlan& plan, const PairSelection& pairs) {
  const std::vector<ImageRange> tiles = cut_tiles(plan.images, plan.tile_keypoints);
  std::vector<Block> blocks;
  bool forwards = true;
  for (std::size_t row = 0; row < tiles.size(); ++row) {
    const std::size_t columns = tiles.size() - row;
    for (std::size_t n = 0; n < columns; ++n) {
      Block block{std::ssize(blocks), tiles[row], tiles[row + (forwards ? n : columns - 1 - n)], 0, 0};
      for (const ImagePair pair : pairs.within(block.rows, block.columns)) {
        ++block.pairs;
        block.comparisons += checked_multiply(plan.images[static_cast<std::size_t>(pair.first)].keypoints,
                                              plan.images[static_cast<std::size_t>(pair.second)].keypoints);
      }
      if (block.pairs > 0) blocks.push_back(block);
    }
    forwards = !forwards;
  }
  return blocks;
}

std::string model_text(const Engine& engine) {
  return fmt::format("{} {}", engine.spec().name, model_hash(engine.model()));
}

std::vector<PlannedImage> images_of(const ImageSource& source, const PlanRequest& request, const RunControl& control) {
  if (!request.images.empty()) {
    if (std::ssize(request.images) == source.size()) return request.images;
    throw InvalidArgument(fmt::format("{} images are listed of {}", request.images.size(), source.size()));
  }
  ImageListing listing = list_images(source, {}, control);
  if (!listing.damaged.empty()) throw DamagedImages(std::move(listing.damaged), source.size());
  return std::move(listing.images);
}

}  // namespace

std::int64_t CollectionPlan::keypoints() const {
  return std::accumulate(images.begin(), images.end(), std::int64_t{0},
                         [](std::int64_t sum, const PlannedImage& image) { return sum + image.keypoints; });
}
std::int64_t CollectionPlan::pairs() const {
  return std::accumulate(blocks.begin(), blocks.end(), std::int64_t{0},
                         [](std::int64_t sum, const Block& block) { return sum + block.pairs; });
}
std::int64_t CollectionPlan::comparisons() const {
  return std::accumulate(blocks.begin(), blocks.end(), std::int64_t{0},
                         [](std::int64_t sum, const Block& block) { return sum + block.comparisons; });
}

std::string CollectionPlan::block_id(const Block& block) const {
  Hash hash;
  hash.add(id).add(block.number).add(block.rows.begin).add(block.rows.end);
  hash.add(block.columns.begin).add(block.columns.end);
  return fmt::format("{:06}-{}", block.number, hash.hex().substr(0, 16));
}

CollectionPlan make_plan(const Engine& engine, const ImageSource& source, const PairSelection& pairs,
                         const PlanRequest& request, const RunControl& control) {
  if (request.tile_keypoints < 0) throw InvalidArgument("the keypoints of a tile must not be negative");
  if (pairs.images() != source.size()) {
    throw InvalidArgument(fmt::format("pairs of {} images for a collection of {}", pairs.images(), source.size()));
  }
  check(request.rules.match, engine.spec());
  CollectionPlan plan;
  plan.model = model_text(engine);
  if (request.rerank != nullptr) plan.rerank_model = model_text(*request.rerank);
  plan.numerics = request.numerics;
  plan.rules = request.rules;
  plan.patch_settings = source.patch_settings();
  plan.pair_key = pairs.key();
  plan.images = images_of(source, request, control);
  for (std::size_t i = 0; i < plan.images.size(); ++i) {
    if (!plan.images[i].is_left_out() || !pairs.uses(static_cast<std::int32_t>(i))) continue;
    throw InvalidArgument(fmt::format("image {} is left out, but pairs have it", plan.images[i].name));
  }
  const Budget budget(engine, request.rerank, source.patch_size());
  plan.tile_keypoints = request.tile_keypoints;
  if (plan.tile_keypoints == 0) {
    const std::int64_t few = std::max(kFewestKeypoints, ceil_divide(plan.keypoints(), kWantedTiles));
    plan.tile_keypoints = std::max<std::int64_t>(1, std::min({budget.tile_keypoints(), kMostKeypoints, few}));
  }
  plan.blocks = cut_blocks(plan, pairs);
  plan.id = plan_id(plan);
  return plan;
}

}  // namespace twinpatch
