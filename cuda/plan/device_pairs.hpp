// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace twinpatch::cuda {

/// Pairs of rows on the device, and where their scores go.
struct DevicePairs {
  const std::int32_t* pairs = nullptr;  ///< [count, 2]
  std::int64_t count = 0;
  float* scores = nullptr;  ///< [count]
};

}  // namespace twinpatch::cuda
