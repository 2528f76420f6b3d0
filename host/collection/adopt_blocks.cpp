// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "adopt_blocks.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "block_file.hpp"
#include "plan_id.hpp"
#include "twinpatch/core/work_stage.hpp"

namespace twinpatch {
namespace {

using Place = std::tuple<std::int32_t, std::int32_t, std::int32_t, std::int32_t>;
Place place_of(const Block& block) {
  return {block.rows.begin, block.rows.end, block.columns.begin, block.columns.end};
}

std::vector<bool> changed_images(const CollectionPlan& a, const CollectionPlan& b) {
  std::vector<bool> changed(a.images.size());
  for (std::size_t i = 0; i < changed.size(); ++i) changed[i] = a.images[i].key != b.images[i].key;
  return changed;
}

/// The block's result where it is finished and intact.
std::optional<BlockResult> finished_block(const std::filesystem::path& folder, const CollectionPlan& plan,
                                          const Block& block) {
  try {
    return read_block(block_path(folder, plan, block), plan, block).result;
  } catch (const IoError&) {
    return std::nullopt;
  } catch (const FormatError&) {
    return std::nullopt;
  }
}

}  // namespace

bool differ_in_content_alone(const CollectionPlan& a, const CollectionPlan& b) {
  if (a.images.size() != b.images.size()) return false;
  CollectionPlan mixed = a;
  for (std::size_t i = 0; i < mixed.images.size(); ++i) mixed.images[i].key = b.images[i].key;
  mixed.pair_key = b.pair_key;
  mixed.blocks = b.blocks;
  return plan_id(mixed) == b.id;
}

bool differ_in_left_out_alone(const CollectionPlan& a, const CollectionPlan& b) {
  if (!differ_in_content_alone(a, b) || !same_but_left_out(a.pair_key, b.pair_key)) return false;
  for (std::size_t i = 0; i < a.images.size(); ++i) {
    const PlannedImage& image = a.images[i];
    if (image.key != b.images[i].key && !image.is_left_out() && !b.images[i].is_left_out()) return false;
  }
  return true;
}

std::int64_t adopt_blocks(const CollectionWork& work, const CollectionPlan& found, const std::filesystem::path& folder,
                          const RunControl& control) {
  const std::vector<bool> changed = changed_images(work.plan, found);
  std::map<Place, const Block*> held;
  for (const Block& block : found.blocks) held.emplace(place_of(block), &block);
  std::int64_t adopted = 0;
  const WorkStage stage(control, "keep", std::ssize(work.plan.blocks), "blocks");
  for (const Block& block : work.plan.blocks) {
    control.check();
    control.advance(1);
    const auto same_place = held.find(place_of(block));
    if (same_place == held.end()) continue;
    const auto result = finished_block(folder, found, *same_place->second);
    if (!result) continue;
    const auto pairs = work.pairs.within(block.rows, block.columns);
    const bool same =
        std::ranges::equal(result->pairs, pairs, {}, &BlockResult::Pair::images) &&
        std::ranges::none_of(pairs, [&](const ImagePair& pair) {
          return changed[static_cast<std::size_t>(pair.first)] || changed[static_cast<std::size_t>(pair.second)];
        });
    if (!same) continue;
    (void)write_block(block_path(folder, work.plan, block), work.plan, block, *result);
    ++adopted;
  }
  return adopted;
}

void remove_blocks(const CollectionPlan& plan, const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const Block& block : plan.blocks) std::filesystem::remove(block_path(folder, plan, block), ignored);
}

}  // namespace twinpatch
