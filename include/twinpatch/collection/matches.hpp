// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/collection/plan.hpp"
#include "twinpatch/collection/run.hpp"

namespace twinpatch {

/// Missing blocks of a run; the message counts them and names the first.
class IncompleteRun : public Error {
 public:
  IncompleteRun(std::vector<std::int64_t> missing, const std::string& what)
      : Error(what), missing_(std::move(missing)) {}
  /// Numbers of the blocks, ascending.
  [[nodiscard]] const std::vector<std::int64_t>& missing() const noexcept { return missing_; }

 private:
  std::vector<std::int64_t> missing_;
};

/// Matches of a finished run, from its folder or from the folders of its shards. Block files are read when needed, and
/// their checksums are verified then.
class CollectionMatches {
 public:
  /// Throws PlanMismatch if the folders are not from one run, or were computed on hosts that compute other bits;
  /// FormatError, IoError.
  explicit CollectionMatches(std::vector<std::filesystem::path> folders);
  explicit CollectionMatches(const std::filesystem::path& folder) : CollectionMatches(std::vector{folder}) {}
  ~CollectionMatches();
  CollectionMatches(CollectionMatches&&) noexcept;
  CollectionMatches& operator=(CollectionMatches&&) noexcept;

  [[nodiscard]] const CollectionPlan& plan() const;
  /// Numbers of the blocks whose file is missing or damaged, ascending; reads every file.
  [[nodiscard]] std::vector<std::int64_t> missing(const RunControl& control = {}) const;
  /// Number of blocks without a file; checks only names.
  [[nodiscard]] std::int64_t absent() const;
  /// Every pair of the run with its matches, sorted by pair (of a run that was continued: within each row of blocks);
  /// pairs without a match too. Returns how many of them an early exit dropped. Memory: the list of pairs of one row of
  /// blocks, and one block. Throws IncompleteRun before the first call of `sink`, FormatError for a file damaged later.
  std::int64_t for_each(const PairSink& sink, const RunControl& control = {}) const;
  /// The file of a block, in the folder that has it; empty if none does.
  [[nodiscard]] std::filesystem::path block_file(const Block& block) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct MergeSummary {
  std::int64_t blocks = 0;
  std::int64_t pairs = 0;
  std::int64_t matches = 0;
  std::int64_t dropped = 0;  ///< pairs that an early exit dropped
  std::string digest;        ///< 32 hex digits over all pairs and matches in order: equal for equal results
};
/// Checks that the folders together hold every block of one run, intact; brings them into `target` (hard links if
/// the file system allows, else copies; unchanged if `target` is the only folder). Throws IncompleteRun naming
/// what is missing.
MergeSummary merge_runs(const std::vector<std::filesystem::path>& folders, const std::filesystem::path& target,
                        const RunControl& control = {});

}  // namespace twinpatch
