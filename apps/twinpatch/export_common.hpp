// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/twinpatch/collection_run.hpp"
#include "apps/twinpatch/masks.hpp"
#include "twinpatch/collection/matches.hpp"

namespace twinpatch::app {

class Options;

/// What every export has.
struct ExportOptions {
  std::vector<std::string> runs;  ///< folders of a finished run; empty: keypoints are matched first
  CollectionOptions collection;
  std::string out;
  float sigma = 0;  ///< scale of all keypoints where their file has none; 0: not given

  /// Throws UsageError.
  void validate() const;
  [[nodiscard]] RunPlaces places() const { return collection.places(out + ".run"); }
};
/// RUN, -o and --keypoint-sigma, and the options of a collection.
void add_export_options(Options& app, ExportOptions& options, const char* out_help);

/// Says which of the options change nothing because a finished run is exported.
inline constexpr const char* kFinishedRun = "the matches are those of a finished run";
void matching_has_no_effect(Session& session);

/// Opens the folders of a finished run.
[[nodiscard]] CollectionMatches open_runs(const std::vector<std::string>& folders);
[[nodiscard]] std::vector<std::string> names_of(const CollectionPlan& plan);
[[nodiscard]] std::vector<std::int64_t> keypoint_counts_of(const CollectionPlan& plan);

/// What was written, counted on the way.
struct ExportSummary {
  std::int64_t pairs = 0;
  std::int64_t empty_pairs = 0;  ///< of them without a match
  std::int64_t matches = 0;
  std::int64_t dropped_pairs = 0;  ///< of the run, by an early exit

  void add(std::span<const Match> some);
};
/// What is reported beside the matches.
struct Exported {
  std::vector<std::string> unknown;  ///< images
  std::optional<MaskSummary> masks{};
  /// early_exit_json() of the pairs that were dropped; empty: a run that was finished before.
  std::function<nlohmann::ordered_json(std::int64_t dropped)> early_exit{};
};
/// Reports it; partial where images were unknown.
[[nodiscard]] ExitCode report_export(Session& session, const std::string& schema, const std::string& out,
                                     const ExportSummary& summary, const Exported& exported);

}  // namespace twinpatch::app
