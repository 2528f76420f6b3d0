// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/rules_text.hpp"

#include <fmt/format.h>

#include <limits>

namespace twinpatch {

std::string rules_text(const PairRules& rules) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  std::string text = rules.match.mutual ? "mutual best" : "best of each left keypoint";
  if (rules.match.ratio) text += fmt::format(", ratio {}", *rules.match.ratio);
  if (rules.match.threshold != kNone) text += fmt::format(", score of at least {}", rules.match.threshold);
  if (!rules.two_stages.empty()) text += fmt::format(", {}", rules.two_stages);
  if (!rules.guide.empty()) text += fmt::format(", {}", rules.guide);
  if (!rules.early_exit.empty()) text += fmt::format(", {}", rules.early_exit);
  return text;
}

}  // namespace twinpatch
