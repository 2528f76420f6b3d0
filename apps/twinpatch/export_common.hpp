// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/twinpatch/collection_run.hpp"
#include "apps/twinpatch/pair_choice.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/sfm/feature_image_source.hpp"

namespace twinpatch::app {

class Options;

/// How keypoints of other programs are matched on the way to their files.
struct ExportOptions {
  EngineOptions engine;
  CollectionOptions collection;
  PhotographOptions photographs;
  std::string out;

  /// Throws UsageError.
  void validate() const;
  /// Where a run of this command is kept unless --run says it.
  [[nodiscard]] std::filesystem::path run_folder() const { return out + ".run"; }
};
void add_export_options(Options& app, ExportOptions& options);

/// How patches are cut, with the window that the model names where none was asked for.
[[nodiscard]] PhotographOptions patch_options(const ExportOptions& options);

/// Which images are matched, and what of the list could not be taken.
struct ExportPairs {
  PairRule rule;
  std::vector<std::string> names;  ///< of a list, those that occur in a pair
  std::vector<ImagePair> listed;   ///< of places in `names`
  std::vector<std::string> unknown;
};
/// Of these images; says what of a list is left out.
[[nodiscard]] ExportPairs find_pairs(Session& session, const ExportOptions& options, std::vector<std::string> names);
/// For run_images; both arguments must outlive the result.
[[nodiscard]] MakePairs selection_of(Session& session, const ExportPairs& pairs);

/// Opens the folders of a finished run.
[[nodiscard]] CollectionMatches open_runs(const std::vector<std::string>& folders);
[[nodiscard]] std::vector<std::string> names_of(const CollectionPlan& plan);
[[nodiscard]] std::vector<std::int64_t> keypoint_counts_of(const CollectionPlan& plan);

/// What was written, counted on the way.
struct ExportSummary {
  std::int64_t pairs = 0;
  std::int64_t empty_pairs = 0;  ///< of them without a match
  std::int64_t matches = 0;

  void add(std::span<const Match> some);
};
/// Says and prints it; partial where images were unknown.
[[nodiscard]] ExitCode report_export(Session& session, const std::string& schema, const std::string& out,
                                     const ExportSummary& summary, const std::vector<std::string>& unknown);

}  // namespace twinpatch::app
