// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/frame/command.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "apps/twinpatch/guide.hpp"
#include "apps/twinpatch/pair_choice.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/collection/matches.hpp"
#include "twinpatch/collection/run.hpp"

// What every command that matches a collection of images has in common: its options, and the steps of a long run.

namespace twinpatch::app {

class Options;

/// From reconstructions of three scenes (docs/experiments/reconstructions.md): matches beyond it are more, but
/// localised worse.
inline constexpr float kUsualRatio = 0.75F;

struct CollectionOptions {
  EngineOptions engine;
  PhotographOptions photographs;
  PairChoice pairs;
  std::string global_vectors;  ///< file; empty: pooled from patches
  std::string run;             ///< folder of the run; empty: the command's own choice
  std::string descriptors;     ///< empty: the run's folder
  std::string shard;           ///< "i/N", or "slurm" for a job array's; empty: everything
  std::string events;
  bool dry_run = false;
  bool leave_out_damaged = false;
  std::vector<std::string> leave_out;  ///< names of images
  GuideChoice guide;
  std::optional<std::int64_t> early_exit;  ///< keypoints of a sample; nothing: every pair is matched
  std::string masks;                       ///< folder; empty: none
  std::int64_t block_keypoints = 0;
  std::optional<float> threshold;
  std::optional<float> ratio;  ///< nothing: kUsualRatio where scores are distances; 1: none
  bool no_mutual = false;
  std::string rerank;   ///< second model
  bool refine = false;  ///< asked for in vain

  /// Throws UsageError, InvalidArgument.
  void validate() const;
  [[nodiscard]] PairRules rules(const NetworkSpec& spec) const;
  [[nodiscard]] Shard parsed_shard() const;
  [[nodiscard]] RunPlaces places(const std::filesystem::path& default_run) const;
};
/// Options of the run, the engine and the patches.
void add_collection_options(Options& app, CollectionOptions& options);

/// The pairs of a run, and what is known of its images.
struct ChosenPairs {
  std::vector<PlannedImage> images;
  PairSelection pairs;
  std::vector<std::string> left_out;  ///< images that were damaged or named by --leave-out
  std::vector<RuleCount> by_rule;
  /// `otherwise`, or partial if images were left out.
  [[nodiscard]] ExitCode exit_code(ExitCode otherwise) const {
    return left_out.empty() ? otherwise : ExitCode::partial;
  }
};
/// The plan of a run, and how it goes on with the one that its folder held.
struct RunPlan {
  CollectionPlan plan;
  std::optional<PlanChanges> changes;  ///< nothing: a run that is new, or the same as before
};
/// For --json; null where nothing changed.
[[nodiscard]] nlohmann::ordered_json changes_json(const std::optional<PlanChanges>& changes);

/// Names the damaged images; throws InvalidArgument unless they are to be left out.
void settle_damaged(Session& session, const std::vector<DamagedImage>& damaged, std::int64_t images, bool leave_out);

/// A finished run, and what this call did of it.
struct MatchedImages {
  CollectionMatches matches;
  CollectionStatistics run;
};
/// What --early-exit did, for --json; null without it. `dropped`: pairs of the whole run.
[[nodiscard]] nlohmann::ordered_json early_exit_json(const CollectionOptions& options, const CollectionStatistics& run,
                                                     std::int64_t dropped);

/// What a command has read of a collection before anything is matched.
struct CollectionInput {
  Model model;
  const ImageSource& source;
  const PairCandidates& candidates;
  const GuideInput& geometry;
  RunPlaces places;
};
/// What became of it.
struct CollectionRun {
  ChosenPairs chosen;
  RunPlan run;
  nlohmann::ordered_json saturation;  ///< for --json
  /// Nothing after a dry run or a shard: one call that finds all blocks done writes.
  std::optional<MatchedImages> matched;
};
/// early_exit_json() of a run that has matched, for when the pairs that were dropped have been counted.
[[nodiscard]] std::function<nlohmann::ordered_json(std::int64_t dropped)> early_exit_of(
    const CollectionOptions& options, const CollectionRun& collection);
/// Chooses the pairs without images that are left out, plans the run, says what is new since its folder was made, does
/// the shard and reports how it went; with --dry-run prints the plan alone. An interrupted or failed run says how to go
/// on with it. Throws InvalidArgument if images that are needed cannot be read and are not to be left out; all of them
/// were named before.
[[nodiscard]] CollectionRun match_collection(Session& session, CollectionInput input, const CollectionOptions& options);

}  // namespace twinpatch::app
