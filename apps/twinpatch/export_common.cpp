// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/export_common.hpp"

#include <fmt/format.h>

#include <algorithm>
#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/net/patch_extent.hpp"

namespace twinpatch::app {
namespace {

/// Leaves out the images that no pair of the list names, so that they need not be there.
void keep_listed(ExportPairs& images) {
  std::vector<std::int32_t> place(images.names.size(), -1);
  for (const auto& pair : images.listed) {
    place[static_cast<std::size_t>(pair.first)] = 0;
    place[static_cast<std::size_t>(pair.second)] = 0;
  }
  std::vector<std::string> named;
  for (std::size_t i = 0; i < images.names.size(); ++i) {
    if (place[i] < 0) continue;
    place[i] = static_cast<std::int32_t>(named.size());
    named.push_back(images.names[i]);
  }
  for (auto& pair : images.listed) {
    pair = {place[static_cast<std::size_t>(pair.first)], place[static_cast<std::size_t>(pair.second)]};
  }
  images.names = std::move(named);
}

}  // namespace

void ExportOptions::validate() const {
  engine.execution.validate();
  collection.validate();
  photographs.validate();
}

void add_export_options(Options& app, ExportOptions& options) {
  add_collection_options(app, options.collection);
  add_engine_options(app, options.engine);
  add_patch_options(app, options.photographs);
}

PhotographOptions patch_options(const ExportOptions& options) {
  PhotographOptions photographs = options.photographs;
  photographs.model_extent = patch_extent(load_model(find_model(options.engine.model)));
  return photographs;
}

ExportPairs find_pairs(Session& session, const ExportOptions& options, std::vector<std::string> names) {
  const PairRule rule = parse_pair_rule(options.collection.pairs);
  ImagePairList list = listed_pairs(session, rule, names);
  ExportPairs pairs{.rule = rule, .names = std::move(names), .listed = std::move(list.pairs), .unknown = {}};
  for (const auto& image : list.unknown) pairs.unknown.push_back(image.name);
  if (rule.kind == PairRule::Kind::list) keep_listed(pairs);
  return pairs;
}

MakePairs selection_of(Session& session, const ExportPairs& pairs) {
  return
      [&](const PairContext& context) { return select_pairs(session, pairs.rule, pairs.names, pairs.listed, context); };
}

CollectionMatches open_runs(const std::vector<std::string>& folders) {
  return CollectionMatches(std::vector<std::filesystem::path>(folders.begin(), folders.end()));
}

std::vector<std::string> names_of(const CollectionPlan& plan) {
  std::vector<std::string> names;
  names.reserve(plan.images.size());
  for (const auto& image : plan.images) names.push_back(image.name);
  return names;
}

std::vector<std::int64_t> keypoint_counts_of(const CollectionPlan& plan) {
  std::vector<std::int64_t> counts;
  counts.reserve(plan.images.size());
  for (const auto& image : plan.images) counts.push_back(image.keypoints);
  return counts;
}

void ExportSummary::add(std::span<const Match> some) {
  ++pairs;
  if (some.empty()) ++empty_pairs;
  matches += std::ssize(some);
}

ExitCode report_export(Session& session, const std::string& schema, const std::string& out,
                       const ExportSummary& summary, const std::vector<std::string>& unknown) {
  session.info("{}: {} matches of {} pairs of images, {} of them without a match", out, summary.matches, summary.pairs,
               summary.empty_pairs);
  if (session.options().json) {
    session.print_json(schema, {{"out", out},
                                {"pairs", summary.pairs},
                                {"empty_pairs", summary.empty_pairs},
                                {"matches", summary.matches},
                                {"unknown_images", unknown}});
  }
  return unknown.empty() ? ExitCode::done : ExitCode::partial;
}

}  // namespace twinpatch::app
