// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace twinpatch::cuda {

/// Start of the block's dynamic shared memory (LaunchShape::shared bytes), aligned to 16 bytes. In a function of its
/// own because a plain C++ compiler (tests/simt) has no word for it.
#ifdef __CUDACC__
__device__ __forceinline__ std::byte* dynamic_shared_memory() {
  extern __shared__ __align__(16) unsigned char twinpatch_dynamic_shared[];
  return reinterpret_cast<std::byte*>(twinpatch_dynamic_shared);
}
#else
inline std::byte* dynamic_shared_memory() { return simt::dynamic_shared_memory(); }
#endif

}  // namespace twinpatch::cuda
