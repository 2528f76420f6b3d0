// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/frame/session.hpp"
#include "apps/twinpatch/photograph.hpp"
#include "twinpatch/evaluate/metrics.hpp"
#include "twinpatch/evaluate/transfer_counts.hpp"
#include "twinpatch/formats/matches_text.hpp"
#include "twinpatch/patches/match.hpp"
#include "twinpatch/vision/draw.hpp"
#include "twinpatch/vision/refine.hpp"

namespace twinpatch::app {

/// Matches of two photographs and all that is said about them.
struct MatchResult {
  const Photograph& left;
  const Photograph& right;
  std::vector<Match> matches;
  float pixel_origin = 0;
  std::optional<Calibration> calibration = {};  ///< adds a column of probabilities
  std::optional<Homography> homography = {};    ///< the truth
  std::vector<RefinedEnd> refined = {};         ///< of each match with --refine, else empty; adds a column
  std::vector<char> correct = {};               ///< one flag a match, where the truth is known
  TransferCounts counts = {};                   ///< likewise
};

/// The matches with a right keypoint each, number i of match i: those of --refine are no longer those of the
/// photograph.
struct RightEnds {
  std::vector<Keypoint> keypoints;
  std::vector<Match> matches;
};
[[nodiscard]] RightEnds right_ends(const MatchResult& result);

/// A match is right if its left keypoint, carried over, lies within this many pixels of its right keypoint.
inline constexpr double kCorrectWithin = 3;

/// Fills `correct` and `counts` from the homography, if there is one.
void mark_correct(MatchResult& result);
/// One line about the counts: "486 of 893 matches (54.4 %) within 3 px of ...".
[[nodiscard]] std::string correct_text(const MatchResult& result, const std::string& truth);

/// Matches by their places, in the pixel convention asked for, with probabilities where there is a calibration.
[[nodiscard]] std::vector<PlacedMatch> placed_matches(const MatchResult& result);
/// The same rows and everything else for --json. `with_rows` is off where the rows went to a file.
[[nodiscard]] nlohmann::ordered_json match_json(const MatchResult& result, bool with_rows);

}  // namespace twinpatch::app
