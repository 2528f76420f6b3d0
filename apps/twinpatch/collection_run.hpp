// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "apps/frame/command.hpp"
#include "apps/frame/session.hpp"
#include "apps/twinpatch/engine_options.hpp"
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
  std::string run;          ///< folder of the run; empty: the command's own choice
  std::string descriptors;  ///< empty: the run's folder
  std::string shard;        ///< "i/N"; empty: from a Slurm job array, else everything
  std::string events;
  bool dry_run = false;
  std::int64_t block_keypoints = 0;
  std::optional<float> threshold;
  std::optional<float> ratio;  ///< nothing: kUsualRatio where scores are distances; 1: none
  bool no_mutual = false;
  std::string rerank;  ///< second model
  std::optional<float> rerank_threshold;

  /// Throws UsageError, InvalidArgument.
  void validate() const;
  [[nodiscard]] PairRules rules(const NetworkSpec& spec) const;
  [[nodiscard]] Shard parsed_shard() const;
  [[nodiscard]] RunPlaces places(const std::filesystem::path& default_run) const;
  /// Precision and what else changes the bits of a score on one device.
  [[nodiscard]] std::string numerics() const;
};
/// Options of the run, the engine and the patches.
void add_collection_options(Options& app, CollectionOptions& options);

/// The network that matches, and the one of --rerank.
struct CollectionEngines {
  Engine first;
  std::optional<Engine> second;
  [[nodiscard]] Engine* rerank() { return second ? &*second : nullptr; }
};
[[nodiscard]] CollectionEngines make_engines(Session& session, Model model, const CollectionOptions& options);

/// For select_pairs: images found by the descriptors that the run keeps.
[[nodiscard]] Retrieval retrieval(const CollectionOptions& options, CollectionEngines& engines,
                                  const ImageSource& source, const RunPlaces& places);

/// For make_plan. A run goes on with the tiles it was planned with, whatever memory there is today.
[[nodiscard]] PlanRequest plan_request(const CollectionOptions& options, CollectionEngines& engines,
                                       const RunPlaces& places);

/// Does the shard, reports how it went and opens the result; with --dry-run prints the plan alone. An interrupted or
/// failed run says how to go on with it. Nothing after a dry run or a shard: results are written by one call that finds
/// all blocks done.
[[nodiscard]] std::optional<CollectionMatches> match_images(Session& session, const CollectionWork& work,
                                                            const RunPlaces& places, const CollectionOptions& options);

}  // namespace twinpatch::app
