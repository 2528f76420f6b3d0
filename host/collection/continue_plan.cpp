// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "continue_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "block_file.hpp"
#include "keypoint_mask.hpp"
#include "plan_id.hpp"
#include "same_plan.hpp"
#include "tiles.hpp"
#include "twinpatch/core/work_stage.hpp"

namespace twinpatch {
namespace {

/// The number of each image of `now` in a run of `images`; new ones are appended to it.
std::vector<std::int32_t> number_images(std::vector<PlannedImage>& images, const std::vector<PlannedImage>& now,
                                        int generation) {
  std::unordered_map<std::string_view, std::int32_t> held;
  for (std::int32_t i = 0; i < std::ssize(images); ++i) held.emplace(images[static_cast<std::size_t>(i)].name, i);
  std::vector<std::int32_t> numbers;
  auto next = static_cast<std::int32_t>(images.size());
  for (const PlannedImage& image : now) {
    const auto found = held.find(image.name);
    numbers.push_back(found == held.end() ? next++ : found->second);
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (static_cast<std::size_t>(numbers[i]) < images.size()) continue;
    images.push_back(now[i]);
    images.back().since = generation;
  }
  return numbers;
}

/// An image that the run has, as it is now; null: it is no longer there.
void update(PlannedImage& image, const PlannedImage* now, int generation) {
  if (now == nullptr || now->is_left_out()) {
    if (!image.is_left_out()) image.gone = true;
    return;
  }
  image.gone = false;
  if (image.key == now->key && image.keypoints == now->keypoints) return;
  image.key = now->key;
  image.keypoints = now->keypoints;
  image.since = generation;
}

/// A run of other photographs shares no image with these, though names may be the same: cameras number them.
void check_common_images(const std::vector<PlannedImage>& images, const CollectionPlan& before,
                         const std::filesystem::path& folder) {
  const auto matters = [](const PlannedImage& image) { return image.keypoints > 0 && !image.is_left_out(); };
  std::int64_t of = 0;
  for (std::size_t i = 0; i < before.images.size(); ++i) {
    if (!matters(before.images[i])) continue;
    ++of;
    const bool same = content_of(images[i].key) == content_of(before.images[i].key);  // under whatever masks
    if (same && !images[i].is_left_out()) return;
  }
  if (of == 0) return;
  throw PlanMismatch(fmt::format(
      "{} holds a run of other images: none of its {} (first \"{}\") is here with the same pixels and keypoints; use "
      "another folder, or remove this one",
      folder.string(), of, std::ranges::find_if(before.images, matters)->name));
}

/// Tells whether a block of the plan before had the same pairs.
class PairsBefore {
 public:
  PairsBefore(const CollectionPlan& before, const PairSelection& now, const std::filesystem::path& folder)
      : before_(before), folder_(folder) {
    std::vector<bool> left_out;
    for (const PlannedImage& image : before.images) left_out.push_back(image.is_left_out());
    known_ = now.among_first(std::ssize(before.images), left_out);
    if (known_ && known_->key() != before.pair_key) known_.reset();
  }

  /// Where the selection before is not known, the finished block tells; one that is not finished need not be kept.
  [[nodiscard]] bool same(const Block& block, const std::vector<ImagePair>& pairs) const {
    if (known_) return known_->within(block.rows, block.columns) == pairs;
    try {
      const ReadBlock read = read_block(block_path(folder_, before_, block), before_, block);
      return std::ranges::equal(read.result.pairs, pairs, {}, &BlockResult::Pair::images);
    } catch (const IoError&) {
      return false;
    } catch (const FormatError&) {
      return false;
    }
  }

 private:
  const CollectionPlan& before_;
  const std::filesystem::path& folder_;
  std::optional<PairSelection> known_;
};

void check_tiles(const CollectionPlan& before, const std::filesystem::path& folder) {
  const auto is_tile = [&](ImageRange range) { return std::ranges::find(before.tiles, range) != before.tiles.end(); };
  for (const Block& block : before.blocks) {
    if (is_tile(block.rows) && is_tile(block.columns)) continue;
    throw FormatError((folder / "plan.json").string(), -1, fmt::format("block {} is not of two tiles", block.number));
  }
}

}  // namespace

CollectionPlan continue_plan(const CollectionPlan& wanted, const CollectionPlan& before, const PairSelection& pairs,
                             const std::filesystem::path& folder, const RunControl& control) {
  check_same_settings(wanted, before, folder);
  check_tiles(before, folder);
  CollectionPlan plan = before;
  plan.generations.push_back(before.id);
  const int generation = plan.generation();
  const std::vector<std::int32_t> numbers = number_images(plan.images, wanted.images, generation);
  std::vector<const PlannedImage*> now(before.images.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (static_cast<std::size_t>(numbers[i]) < now.size())
      now[static_cast<std::size_t>(numbers[i])] = &wanted.images[i];
  }
  for (std::size_t i = 0; i < now.size(); ++i) update(plan.images[i], now[i], generation);
  check_common_images(plan.images, before, folder);

  const PairSelection chosen = pairs.renumbered(numbers, std::ssize(plan.images));
  plan.pair_key = chosen.key();
  const auto new_tiles = cut_tiles(plan.images, plan.tile_keypoints, static_cast<std::int32_t>(before.images.size()));
  plan.tiles.insert(plan.tiles.end(), new_tiles.begin(), new_tiles.end());
  const PairsBefore pairs_before(before, chosen, folder);
  bool changed = plan.images != before.images;
  const auto is_stale = [&](const ImagePair& pair) {
    return plan.images[static_cast<std::size_t>(pair.first)].since == generation ||
           plan.images[static_cast<std::size_t>(pair.second)].since == generation;
  };
  {
    const WorkStage stage(control, "continue", std::ssize(plan.blocks), "blocks");
    for (Block& block : plan.blocks) {
      control.check();
      control.advance(1);
      const std::vector<ImagePair> its = chosen.within(block.rows, block.columns);
      if (std::ranges::none_of(its, is_stale) && pairs_before.same(block, its)) continue;
      block.generation = generation;
      count_pairs(block, its, plan.images);
      changed = true;
    }
  }
  add_blocks(plan, chosen, generation);
  if (!changed && plan.blocks.size() == before.blocks.size()) return before;
  plan.id = plan_id(plan);
  return plan;
}

PlanChanges changes_between(const CollectionPlan& before, const CollectionPlan& now) {
  PlanChanges changes;
  for (std::size_t i = 0; i < now.images.size(); ++i) {
    const PlannedImage& image = now.images[i];
    if (i >= before.images.size()) {
      changes.added.push_back(image.name);
      continue;
    }
    const PlannedImage& earlier = before.images[i];
    if (image.is_left_out() && !earlier.is_left_out()) changes.gone.push_back(image.name);
    if (earlier.is_left_out() && !image.is_left_out()) {
      changes.back.push_back(image.name);
    } else if (image.since != earlier.since) {
      changes.changed.push_back(image.name);
    }
  }
  for (std::size_t n = 0; n < now.blocks.size(); ++n) {
    if (n < before.blocks.size() && now.blocks[n].generation == before.blocks[n].generation) continue;
    ++changes.blocks;
    changes.pairs += now.blocks[n].pairs;
  }
  return changes;
}

}  // namespace twinpatch
