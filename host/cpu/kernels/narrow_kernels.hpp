// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Activations into the narrower numbers that products take, compiled once per instruction set (Highway) and chosen when
// the program runs. Raw pointers only, as in pixel_kernels.hpp.

namespace twinpatch::cpu {

struct NarrowKernels {
  /// out[i] = bits of the bfloat16 nearest to in[i], ties to even; infinities stay, NaN becomes a quiet NaN.
  void (*to_bfloat16)(const float* in, std::int64_t count, std::uint16_t* out);
};

/// Of the best instruction set that this processor has.
[[nodiscard]] const NarrowKernels& narrow_kernels();

}  // namespace twinpatch::cpu
