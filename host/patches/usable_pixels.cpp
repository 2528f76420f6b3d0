// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/patches/usable_pixels.hpp"

#include <bit>
#include <span>

namespace twinpatch {
namespace {

/// Of floats without their sign the bits are in the order of the values, infinities and NaN last. No early exit, so
/// that it vectorises.
bool all_usable(std::span<const float> values) {
  constexpr auto kMost = std::bit_cast<std::uint32_t>(kLargestPixel);
  std::uint32_t bad = 0;
  for (const float value : values) bad |= (std::bit_cast<std::uint32_t>(value) & 0x7fffffffU) > kMost ? 1U : 0U;
  return bad == 0;
}

}  // namespace

std::int64_t first_unusable_patch(PatchView patches) {
  if (patches.type != PixelType::f32) return -1;
  const auto pixels = static_cast<std::size_t>(patches.patch_bytes() / pixel_bytes(PixelType::f32));
  const std::span values(static_cast<const float*>(patches.pixels), static_cast<std::size_t>(patches.count) * pixels);
  for (std::int64_t i = 0; i < patches.count; ++i) {
    if (!all_usable(values.subspan(static_cast<std::size_t>(i) * pixels, pixels))) return i;
  }
  return -1;
}

}  // namespace twinpatch
