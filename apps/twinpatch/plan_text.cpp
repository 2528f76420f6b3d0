// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/plan_text.hpp"

#include <fmt/format.h>

#include "apps/twinpatch/pair_summary.hpp"

#include "twinpatch/collection/rules_text.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

std::string lines(const CollectionPlan& plan, const PlanSummary& summary) {
  const RunEstimate& estimate = summary.estimate;
  const Shard& shard = summary.shard;
  std::string text;
  const auto line = [&](const char* what, const std::string& value) { text += fmt::format("{:<22}{}\n", what, value); };
  line("images", fmt::format("{} ({} with keypoints)", plan.images.size(), estimate.images_with_keypoints));
  line("keypoints", std::to_string(plan.keypoints()));
  line("pairs of images", std::to_string(plan.pairs()));
  for (const RuleCount& one : summary.by_rule) {
    if (summary.by_rule.size() > 1) line("", fmt::format("{} by {}", one.pairs, one.rule));
  }
  line("pairs of an image", degree_text(degree_bins(summary.degrees)));
  line("comparisons", format_count(static_cast<double>(plan.comparisons())));
  line("kept", rules_text(plan.rules));
  line("precision", plan.numerics);
  const std::int64_t mine = std::ssize(shard_blocks(plan, shard));
  line("blocks", fmt::format("{} of up to {} keypoints a side{}{}", plan.blocks.size(), plan.tile_keypoints,
                             shard.count > 1 ? fmt::format(", {} in shard {}", mine, shard.text()) : "",
                             summary.open < mine ? fmt::format(", {} done", mine - summary.open) : ""));
  line("on the device", format_bytes(estimate.device_bytes) + " of rows kept");
  line("on disk", fmt::format("{} of descriptors, about {} of results", format_bytes(estimate.descriptor_bytes),
                              format_bytes(estimate.result_bytes)));
  line("rows found on device", fmt::format("{:.1f} % of uses", 100 * estimate.hit_rate));
  std::string rates = fmt::format("{} comparisons/s", format_count(estimate.comparisons_per_second));
  if (estimate.patches_per_second > 0)
    rates += fmt::format(", {} patches/s", format_count(estimate.patches_per_second));
  if (estimate.rerank_pairs_per_second > 0) {
    rates += fmt::format(", {} re-scored/s", format_count(estimate.rerank_pairs_per_second));
  }
  line("measured here",
       fmt::format("{}, {} an image to read and cut", rates, format_seconds(estimate.load_seconds_per_image)));
  line("time",
       fmt::format("about {}{}{}", format_seconds(estimate.seconds), summary.open < mine ? " for the others" : "",
                   shard.count > 1 ? " for shard " + shard.text() : ""));
  line("plan", plan.id);
  return text;
}

}  // namespace

void print_plan(Session& session, const CollectionPlan& plan, const PlanSummary& summary) {
  if (!session.options().json) return session.print(lines(plan, summary));
  const RunEstimate& estimate = summary.estimate;
  session.print_json("twinpatch.plan-summary/1", {{"plan", plan.id},
                                                  {"shard", summary.shard.text()},
                                                  {"images", plan.images.size()},
                                                  {"images_with_keypoints", estimate.images_with_keypoints},
                                                  {"keypoints", plan.keypoints()},
                                                  {"pairs", plan.pairs()},
                                                  {"pairs_by_rule", rules_json(summary.by_rule)},
                                                  {"degrees", degree_json(degree_bins(summary.degrees))},
                                                  {"comparisons", plan.comparisons()},
                                                  {"kept", rules_text(plan.rules)},
                                                  {"precision", plan.numerics},
                                                  {"blocks", plan.blocks.size()},
                                                  {"open_blocks", summary.open},
                                                  {"generation", plan.generation()},
                                                  {"tile_keypoints", plan.tile_keypoints},
                                                  {"device_bytes", estimate.device_bytes},
                                                  {"descriptor_bytes", estimate.descriptor_bytes},
                                                  {"result_bytes", estimate.result_bytes},
                                                  {"hit_rate", estimate.hit_rate},
                                                  {"load_seconds_per_image", estimate.load_seconds_per_image},
                                                  {"patches_per_second", estimate.patches_per_second},
                                                  {"comparisons_per_second", estimate.comparisons_per_second},
                                                  {"rerank_pairs_per_second", estimate.rerank_pairs_per_second},
                                                  {"matches_per_pair", estimate.matches_per_pair},
                                                  {"seconds", estimate.seconds}});
}

}  // namespace twinpatch::app
