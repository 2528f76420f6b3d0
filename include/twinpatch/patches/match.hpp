// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace twinpatch {

/// A matching left and right patch, or keypoint; higher scores are more similar.
struct Match {
  std::int32_t left = 0;
  std::int32_t right = 0;
  float score = 0;
  friend bool operator==(const Match&, const Match&) = default;
};

}  // namespace twinpatch
