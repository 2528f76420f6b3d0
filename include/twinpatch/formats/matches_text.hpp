// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace twinpatch {

/// A match by its places in the two images, in whatever pixel convention the caller uses.
struct PlacedMatch {
  float left_x = 0;
  float left_y = 0;
  float right_x = 0;
  float right_y = 0;
  float score = 0;
  std::optional<double> probability = {};  ///< of a calibrated model
  std::optional<float> correlation = {};   ///< of the aligned windows, if the right place was refined; 0: it was kept
};

/// One line per match, in the order given: "x1 y1 x2 y2 score" and, if present, " probability" and " correlation".
/// Coordinates with three decimals, scores with the digits that tell any two floats apart.
[[nodiscard]] std::string format_matches(std::span<const PlacedMatch> matches);
/// The same into a file that appears whole or not at all. Throws IoError.
void write_matches(const std::filesystem::path& path, std::span<const PlacedMatch> matches);

}  // namespace twinpatch
