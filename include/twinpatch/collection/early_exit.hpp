// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/collection/match_guide.hpp"

namespace twinpatch {

/// Some of the keypoints of an image: the same ones every time and on every machine.
struct KeypointSample {
  std::int64_t size = 0;
  std::uint64_t seed = 0;

  /// Numbers below `keypoints`, ascending, each set equally likely (Floyd's algorithm). Empty where there are no more
  /// keypoints than `size`: a sample would save nothing.
  [[nodiscard]] std::vector<std::int32_t> of(std::int64_t keypoints) const;
};

/// Ratio test of a sample's matches where two networks decide about whole images: a sample is matched by the first one
/// alone, if that measures distances with it.
inline constexpr float kSampleRatio = 0.75F;

/// Tells by a sample of an image's keypoints, matched with all keypoints of its partners, which partners to match it
/// with as a whole. The same input gives the same answers.
class EarlyExit {
 public:
  virtual ~EarlyExit() = default;
  /// All that its answers depend on but images and matches, in words: one of the rules of a run.
  [[nodiscard]] virtual std::string rule() const = 0;
  /// Images with no more keypoints than this are matched as a whole with all of their partners.
  [[nodiscard]] virtual KeypointSample sample() const = 0;
  /// Whether each partner, with the matches of the sample, may have more. Throws what reading keypoints does.
  [[nodiscard]] virtual std::vector<bool> keeps(const GuidedImage& first,
                                                std::span<const GuidedPartner> partners) const = 0;
};

}  // namespace twinpatch
