// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.hpp"

namespace twinpatch::cuda::kernels {

/// Halves of a first convolution of two blocks of patches, some pairs of them, and what follows the sum of two halves.
struct HalvesJoin {
  NumberType type = NumberType::fp32;
  const void* left = nullptr;  ///< [·, shape]
  const void* right = nullptr;
  PairRange pairs = {};  ///< as enumerate_pairs() has them
  MapShape shape;
  ActivationKind activation = ActivationKind::none;
  bool pool = false;  ///< maximum over 2×2, stride 2, rounding down
};

/// out[n] = pool(activate(left + right)) of pair n; sums are rounded to `type` before anything else. Enqueued.
void join_halves(cudaStream_t stream, const HalvesJoin& join, void* out);

}  // namespace twinpatch::cuda::kernels
