// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "budget.hpp"
#include "continue_plan.hpp"
#include "hash.hpp"
#include "plan_id.hpp"
#include "tiles.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/engine/two_stage.hpp"

namespace twinpatch {
namespace {

/// Keeps a block short enough to be lost (4·10⁹ comparisons: a minute on a few cores).
constexpr std::int64_t kMostKeypoints = 65536;
/// Tiles that a collection is cut into at least, so that shards have blocks to share; but not below so many keypoints.
constexpr std::int64_t kWantedTiles = 12;
constexpr std::int64_t kFewestKeypoints = 4096;

std::string model_text(const Engine& engine) {
  return fmt::format("{} {}", engine.spec().name, model_hash(engine.model()));
}

/// Two rules are one if their texts are. Part of a plan's id: never to change.
std::string rule_text(const TwoStageRule& rule) {
  return fmt::format("two stages: {:.17g} similarity + {:.17g} network - {:.17g} over {} nearest of {}",
                     rule.similarity_weight, rule.network_weight, rule.none, rule.candidates, rule.first);
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

const std::string& CollectionPlan::id_of(int generation) const {
  return generation < this->generation() ? generations[static_cast<std::size_t>(generation)] : id;
}

std::string CollectionPlan::block_id(const Block& block) const {
  Hash hash;
  hash.add(id_of(block.generation)).add(block.number).add(block.rows.begin).add(block.rows.end);
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
  plan.numerics = request.numerics;
  plan.rules = request.rules;
  if (request.rerank != nullptr) {
    check_finds(engine.spec());
    if (plan.rules.match.ratio) throw InvalidArgument("a ratio test needs distances; the sum of two stages is none");
    plan.rerank_model = model_text(*request.rerank);
    plan.rules.two_stages = rule_text(two_stage_rule(request.rerank->model(), engine.spec().name));
  }
  plan.patch_settings = source.patch_settings();
  plan.images = images_of(source, request, control);
  for (std::size_t i = 0; i < plan.images.size(); ++i) {
    if (!plan.images[i].is_left_out() || !pairs.uses(static_cast<std::int32_t>(i))) continue;
    throw InvalidArgument(fmt::format("image {} is left out, but pairs have it", plan.images[i].name));
  }
  plan.tile_keypoints = request.tile_keypoints;
  if (const auto held = request.folder / "plan.json"; !request.folder.empty() && std::filesystem::exists(held)) {
    const CollectionPlan before = read_plan(held);
    if (plan.tile_keypoints == 0) plan.tile_keypoints = before.tile_keypoints;  // whatever memory there is today
    return continue_plan(plan, before, pairs, request.folder, control);
  }
  plan.pair_key = pairs.key();
  if (plan.tile_keypoints == 0) {
    const Budget budget(engine, request.rerank, source.patch_size(), 0, !plan.rules.early_exit.empty());
    const std::int64_t few = std::max(kFewestKeypoints, ceil_divide(plan.keypoints(), kWantedTiles));
    plan.tile_keypoints = std::max<std::int64_t>(1, std::min({budget.tile_keypoints(), kMostKeypoints, few}));
  }
  plan.tiles = cut_tiles(plan.images, plan.tile_keypoints);
  add_blocks(plan, pairs, 0);
  plan.id = plan_id(plan);
  return plan;
}

}  // namespace twinpatch
