// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace twinpatch {

/// IEEE 754 binary16 and bfloat16 as bit patterns. To half precision rounds to nearest even; overflow gives infinity,
/// NaN stays NaN, subnormals are kept.
[[nodiscard]] std::uint16_t to_half(float value) noexcept;
[[nodiscard]] float from_half(std::uint16_t bits) noexcept;
[[nodiscard]] std::uint16_t to_bfloat16(float value) noexcept;
[[nodiscard]] float from_bfloat16(std::uint16_t bits) noexcept;

}  // namespace twinpatch
