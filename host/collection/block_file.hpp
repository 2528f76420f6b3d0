// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "twinpatch/collection/plan.hpp"

namespace twinpatch {

/// Pairs of one block with their matches, sorted by pair.
struct BlockResult {
  struct Pair {
    ImagePair images;
    std::int32_t matches = 0;  ///< or kDropped
    [[nodiscard]] bool is_dropped() const { return matches < 0; }
    [[nodiscard]] std::int64_t count() const { return matches < 0 ? 0 : matches; }
  };
  /// In the place of the number of matches: an early exit dropped the pair.
  static constexpr std::int32_t kDropped = -1;
  std::vector<Pair> pairs;
  std::vector<Match> matches;  ///< of all pairs, one after the other
};

// The file of a finished block, little-endian:
//   0  "tpblock1"
//   8  id of the plan that made the block, 32 hex digits
//  40  i64 number of the block, i64 pairs P, i64 matches M
//  64  P × { i32 first, i32 second, i32 matches, or -1 for a pair that an early exit dropped }, sorted
//      M × { i32 left, i32 right, f32 score }
//      u64 XXH3 of everything before
// The same result gives the same bytes.

[[nodiscard]] std::filesystem::path block_path(const std::filesystem::path& folder, const CollectionPlan& plan,
                                               const Block& block);
/// Where the matches begin in the file of a block, in bytes.
[[nodiscard]] std::int64_t matches_offset(const BlockResult& result);
/// Appears by rename. Returns the checksum.
std::uint64_t write_block(const std::filesystem::path& path, const CollectionPlan& plan, const Block& block,
                          const BlockResult& result);

struct ReadBlock {
  BlockResult result;
  std::uint64_t checksum = 0;
};
/// As the number of a block's pairs: however many the file has.
inline constexpr std::int64_t kAnyPairs = -1;
/// Throws FormatError where the file is cut off, damaged, or of another plan or block; IoError.
[[nodiscard]] ReadBlock read_block(const std::filesystem::path& path, const CollectionPlan& plan, const Block& block);

/// Throws IncompleteRun naming blocks of the plan.
[[noreturn]] void throw_incomplete(const CollectionPlan& plan, std::vector<std::int64_t> missing);

}  // namespace twinpatch
