// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apps/frame/command.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "twinpatch/collection/matches.hpp"
#include "twinpatch/collection/run.hpp"

// What every command that matches a collection of images has in common: its options, and the long run itself.

namespace twinpatch::app {

class Options;

/// From reconstructions of three scenes (docs/experiments/reconstructions.md): matches beyond it are more, but
/// localised worse.
inline constexpr float kUsualRatio = 0.75F;

struct CollectionOptions {
  std::string pairs = "exhaustive";  ///< parse_pair_rule
  std::string run;                   ///< folder of the run; empty: the command's own choice
  std::string descriptors;           ///< empty: the run's folder
  std::string shard;                 ///< "i/N"; empty: from a Slurm job array, else everything
  std::string events;
  bool dry_run = false;
  std::int64_t block_keypoints = 0;
  std::optional<float> threshold;
  std::optional<float> ratio;  ///< nothing: kUsualRatio where scores are distances; 1: none
  bool no_mutual = false;
  std::string rerank;  ///< model of the second stage
  std::optional<float> rerank_threshold;

  /// Throws UsageError, InvalidArgument.
  void validate() const;
  [[nodiscard]] PairRules rules(const NetworkSpec& spec) const;
  [[nodiscard]] Shard its_shard() const;
};
void add_collection_options(Options& app, CollectionOptions& options);

/// What came of run_images.
struct CollectionOutcome {
  /// Of the whole run; nothing after a dry run or a shard: results are written by one call that finds all blocks done.
  std::optional<CollectionMatches> matches;
  std::optional<CollectionStatistics> statistics;  ///< nothing after a dry run
};

/// Patches depend on the network (its input size), so images come from a function of it.
using MakeImages = std::function<std::unique_ptr<ImageSource>(const NetworkSpec& spec)>;
/// Which pairs: from the images, or from their descriptors (`descriptors`: the folder where the run keeps them, for
/// describe_collection with `numerics`).
struct PairContext {
  Engine& engine;
  const ImageSource& source;
  std::filesystem::path descriptors;
  std::string numerics;
  int threads = 0;  ///< as --threads
};
using MakePairs = std::function<PairSelection(const PairContext& context)>;

/// Plans, and (unless --dry-run, which prints the plan) runs the shard, says how it went, and opens the result. The
/// folder is --run, else `default_run`. An interrupted or failed run says how to go on with it.
[[nodiscard]] CollectionOutcome run_images(Session& session, const EngineOptions& engine_options,
                                           const CollectionOptions& options, const MakeImages& make_images,
                                           const MakePairs& make_pairs, const std::filesystem::path& default_run);

}  // namespace twinpatch::app
