// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/export_common.hpp"

#include <fmt/format.h>

#include "apps/frame/options.hpp"
#include "apps/frame/run_options.hpp"

namespace twinpatch::app {

void ExportOptions::validate() const {
  if (!(sigma >= 0 && sigma <= 10'000)) {
    throw UsageError(fmt::format("--keypoint-sigma must be in [0, 10000], found {}", sigma));
  }
  collection.validate();
  refuse_database_rules(collection.pairs);
  refuse_database_guide(collection.guide);
}

void add_export_options(Options& app, ExportOptions& options, const char* out_help) {
  app.add_option("RUN", options.runs, "folder of a finished run, or those of its shards")->group(kArgumentGroup);
  app.add_option("-o,--out", options.out, out_help)
      ->never_standard_output()
      ->required()
      ->type_name("FILE")
      ->group(kMainGroup);
  app.add_option("--keypoint-sigma", options.sigma, "scale in pixels of all keypoints, where features.h5 has no scales")
      ->type_name("S")
      ->group(kMainGroup);
  add_collection_options(app, options.collection);
}

void matching_has_no_effect(Session& session) {
  session.no_effect({"--pairs",
                     "--global-descriptors",
                     "--threshold",
                     "--ratio",
                     "--no-mutual",
                     "--rerank",
                     "--run",
                     "--descriptors",
                     "--shard",
                     "--events",
                     "--block-keypoints",
                     "--leave-out-damaged",
                     "--leave-out",
                     "--masks",
                     "--guided",
                     "--band",
                     "--early-exit",
                     "--dry-run",
                     "--model",
                     "--device",
                     "--precision",
                     "--memory",
                     "--batch",
                     "--patch-extent",
                     "--patch-extent-from",
                     "--upright"},
                    kFinishedRun);
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
                       const ExportSummary& summary, const Exported& exported) {
  session.info("{}: {} matches of {} pairs of images, {} of them without a match", out, summary.matches, summary.pairs,
               summary.empty_pairs);
  if (summary.dropped_pairs > 0) session.info("{} pairs were dropped by --early-exit", summary.dropped_pairs);
  if (session.options().json) {
    session.print_json(schema,
                       {{"out", out},
                        {"pairs", summary.pairs},
                        {"empty_pairs", summary.empty_pairs},
                        {"matches", summary.matches},
                        {"early_exit", exported.early_exit ? exported.early_exit(summary.dropped_pairs) : nullptr},
                        {"unknown_images", exported.unknown},
                        {"masks", masks_json(exported.masks)}});
  }
  return exported.unknown.empty() ? ExitCode::done : ExitCode::partial;
}

}  // namespace twinpatch::app
