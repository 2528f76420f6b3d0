// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>

#include "block_file.hpp"

namespace twinpatch {

/// What earlier generations of a run found for the pairs of blocks that were changed since.
class EarlierResults {
 public:
  EarlierResults(const CollectionPlan& plan, const std::filesystem::path& folder) : plan_(plan), folder_(folder) {}

  /// Results for those of the block's `pairs` (sorted) whose two images are what they were.
  [[nodiscard]] BlockResult find(const Block& block, std::span<const ImagePair> pairs) const;
  /// Removes the block's earlier files that hold nothing beyond `pairs` that is still valid. The others stay: what was
  /// left out may be wanted again.
  void remove_superseded(const Block& block, std::span<const ImagePair> pairs) const;

 private:
  /// The block as it was in an earlier generation.
  [[nodiscard]] static Block as_of(const Block& block, int generation);
  [[nodiscard]] bool is_valid(ImagePair pair, int generation) const;

  const CollectionPlan& plan_;
  const std::filesystem::path& folder_;
};

/// Two results with different pairs in one, sorted.
[[nodiscard]] BlockResult merged(const BlockResult& a, const BlockResult& b);

}  // namespace twinpatch
