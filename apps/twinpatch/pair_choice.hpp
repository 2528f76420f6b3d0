// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/twinpatch/collection_run.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"

namespace twinpatch::app {

/// What --pairs says.
struct PairRule {
  enum class Kind : std::uint8_t { exhaustive, sequential, retrieval, list };
  Kind kind = Kind::exhaustive;
  int neighbours = 0;  ///< N of sequential:N and retrieval:N
  std::string text;    ///< as it was given: of a list, its path
};
/// Throws UsageError for what is neither a rule nor a file that is there.
[[nodiscard]] PairRule parse_pair_rule(const std::string& text);

/// Pairs of a list, of places in `names`; none for the other rules. Warns of what is left out.
[[nodiscard]] ImagePairList listed_pairs(Session& session, const PairRule& rule, const std::vector<std::string>& names);

/// The pairs of a rule: `names` of the images in their order in the collection, `listed` from listed_pairs. Throws
/// InvalidArgument where a network without descriptors is to find similar images.
[[nodiscard]] PairSelection select_pairs(Session& session, const PairRule& rule, const std::vector<std::string>& names,
                                         std::vector<ImagePair> listed, const PairContext& context);

}  // namespace twinpatch::app
