// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/frame/command.hpp"
#include "apps/frame/session.hpp"
#include "twinpatch/collection/run.hpp"
#include "twinpatch/sfm/pair_rules.hpp"

namespace twinpatch::app {

/// One of the rules of --pairs.
struct PairRule {
  enum class Kind : std::uint8_t { exhaustive, sequential, retrieval, spatial, overlap, transitive, list };
  Kind kind = Kind::exhaustive;
  double number = 0;  ///< N of sequential, retrieval and transitive; R of spatial, S of overlap
  std::string text = "exhaustive";

  [[nodiscard]] int count() const { return static_cast<int>(number); }
};

/// What --pairs says: the pairs of all rules together.
struct PairChoice {
  std::vector<PairRule> rules{PairRule{}};
  std::string text = "exhaustive";

  /// Rules joined by '+', or one file. Throws UsageError for what is no rule and no file either, and for two files.
  [[nodiscard]] static PairChoice parse(const std::string& text);
  [[nodiscard]] bool has(PairRule::Kind kind) const;
  /// Empty without a list.
  [[nodiscard]] std::filesystem::path list_path() const;
};

/// What a database knows of its images, for rules that ask for it; all by the images' numbers.
struct PairKnowledge {
  std::vector<std::optional<Position>> positions{};  ///< of spatial
  std::vector<ImagePair> verified{};                 ///< of transitive
  std::vector<ImagePair> overlapping{};              ///< of overlap
  std::vector<std::int64_t> frames{};                ///< never two images of one; -1: in none; empty: no matter
  std::vector<std::uint32_t> cameras{};              ///< of the images, if some are never matched
  std::vector<std::pair<std::uint32_t, std::uint32_t>> never{};  ///< cameras, the lower one first
};

/// The images that pairs are chosen among, and what a list says about them.
struct PairCandidates {
  PairChoice choice;
  std::vector<std::string> names;    ///< of the images, in their order in the collection
  std::vector<ImagePair> listed;     ///< of a list: places in `names`
  std::vector<std::string> unknown;  ///< names in a list that no image has
  PairKnowledge knowledge{};

  /// Partial where a list could not be taken as a whole.
  [[nodiscard]] ExitCode exit_code() const { return unknown.empty() ? ExitCode::done : ExitCode::partial; }
};
/// Reads the list where there is one; warns of what is left out of it. Throws IoError, FormatError.
[[nodiscard]] PairCandidates read_candidates(Session& session, const PairChoice& choice,
                                             std::vector<std::string> names);
/// Leaves out the images that no pair of a list names, if --pairs is a list alone, so that they need not be there.
void keep_listed_images(PairCandidates& candidates);
/// Throws UsageError for rules that only a COLMAP database has the answers to.
void refuse_database_rules(const PairChoice& choice);

/// What finds similar images: descriptors of their patches, or vectors that another program made.
struct Retrieval {
  Engine& engine;
  const ImageSource& source;
  DescriptorFolder descriptors;
  int threads = 0;               ///< as --threads
  std::string global_vectors{};  ///< .npy float32 [images, D], rows in order of the images' names; empty: VLAD
};
/// How many pairs a rule of --pairs gives.
struct RuleCount {
  std::string rule;
  std::int64_t pairs = 0;
};
struct SelectedPairs {
  PairSelection pairs;
  std::vector<RuleCount> by_rule;
};
/// For --json.
[[nodiscard]] nlohmann::ordered_json rules_json(const std::vector<RuleCount>& by_rule);
/// The pairs that are chosen; only retrieval:N looks at the images. Says how many each rule gives if there are several.
/// Throws InvalidArgument where a network without descriptors is to find similar images, and where no two images are
/// within the radius of spatial:R.
[[nodiscard]] SelectedPairs select_pairs(Session& session, const PairCandidates& candidates,
                                         const Retrieval& retrieval);

}  // namespace twinpatch::app
