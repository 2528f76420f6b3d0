// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan_id.hpp"

#include <fmt/format.h>

#include "hash.hpp"

namespace twinpatch {
namespace {

/// A second network once had a threshold of its own, and every id has its place.
constexpr const char* kNoOwnThreshold = "-inf";

/// Part of the id: never to change, or runs that are under way would be taken for damaged.
std::string exact_rules(const PairRules& rules) {
  return fmt::format("mutual {}, ratio {}, threshold {}, re-scored threshold {}", rules.match.mutual ? "yes" : "no",
                     rules.match.ratio ? exact_text(*rules.match.ratio) : "none", exact_text(rules.match.threshold),
                     kNoOwnThreshold) +
         (rules.two_stages.empty() ? "" : ", " + rules.two_stages) + (rules.guide.empty() ? "" : ", " + rules.guide) +
         (rules.early_exit.empty() ? "" : ", early exit: " + rules.early_exit);
}

}  // namespace

std::string exact_text(float value) { return fmt::format("{:.9g}", value); }

const char* plan_schema(const CollectionPlan& plan) {
  return plan.generations.empty() ? "twinpatch.plan/1" : "twinpatch.plan/2";
}

std::string plan_id(const CollectionPlan& plan) {
  Hash hash;
  hash.add(plan_schema(plan)).add(plan.model).add(plan.rerank_model).add(plan.numerics).add(exact_rules(plan.rules));
  hash.add(plan.patch_settings).add(plan.pair_key).add(plan.tile_keypoints).add(std::ssize(plan.images));
  for (const PlannedImage& image : plan.images) hash.add(image.name).add(image.keypoints).add(image.key);
  for (const Block& block : plan.blocks) {
    hash.add(block.rows.begin).add(block.rows.end).add(block.columns.begin).add(block.columns.end);
    hash.add(block.pairs).add(block.comparisons);
  }
  if (plan.generations.empty()) return hash.hex();
  for (const std::string& id : plan.generations) hash.add(id);
  for (const PlannedImage& image : plan.images) hash.add(image.since).add(image.gone ? 1 : 0);
  for (const ImageRange tile : plan.tiles) hash.add(tile.end);
  for (const Block& block : plan.blocks) hash.add(block.generation);
  return hash.hex();
}

}  // namespace twinpatch
