// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "twinpatch/patches/patch_window.hpp"

namespace twinpatch::vision {

/// A window in a level that lies in memory.
struct SampledWindow {
  const std::uint16_t* origin = nullptr;  ///< the pixel that coordinates are counted from
  std::int32_t stride_bytes = 0;
  LevelWindow window;
  float x_low = 0, x_high = 0;  ///< of the level, counted so too
  float y_low = 0, y_high = 0;
};

/// Fills side × side pixels, (1 − blend)·fine + blend·coarse, each sampled bilinearly; `coarse` is not read if blend is
/// 0.
void sample_patch(const SampledWindow& fine, const SampledWindow& coarse, float blend, int side, std::uint8_t* patch);

}  // namespace twinpatch::vision
