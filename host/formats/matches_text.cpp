// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/matches_text.hpp"

#include <fmt/format.h>

#include <iterator>

#include "twinpatch/core/file.hpp"

namespace twinpatch {

std::string format_matches(std::span<const PlacedMatch> matches) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (const PlacedMatch& match : matches) {
    // {} of a float is the shortest text that reads back as the same float.
    fmt::format_to(out, "{:.3f} {:.3f} {:.3f} {:.3f} {}", match.left_x, match.left_y, match.right_x, match.right_y,
                   match.score);
    if (match.probability) fmt::format_to(out, " {:.6f}", *match.probability);
    if (match.correlation) fmt::format_to(out, " {:.4f}", *match.correlation);
    text += '\n';
  }
  return text;
}

void write_matches(const std::filesystem::path& path, std::span<const PlacedMatch> matches) {
  AtomicFile file(path);
  file.write(format_matches(matches));
  file.commit();
}

}  // namespace twinpatch
