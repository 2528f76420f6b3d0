// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "guided_pass.hpp"
#include "twinpatch/collection/early_exit.hpp"

namespace twinpatch {

/// A sample of an image's keypoints, on the device.
struct SampledRows {
  const RowChunks& rows;
  std::span<const std::int32_t> numbers;  ///< of its keypoints, among those that are matched
};

/// Whether each of the group's partners, matched with the sample, is to be matched with the whole image. Throws what
/// the early exit and the engine throw; NotFinite::right_set() is the partner's place.
[[nodiscard]] std::vector<bool> keep_partners(Engine& engine, const EarlyExit& early_exit, const MatchRules& rules,
                                              const GuidedGroup& group, const SampledRows& sample);

}  // namespace twinpatch
