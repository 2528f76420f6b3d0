// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define TWINPATCH_DEVICE_INLINE __host__ __device__ inline
#else
#include "twinpatch/core/half.hpp"
#define TWINPATCH_DEVICE_INLINE inline
#endif

// What activations and weights are stored as on the device. Arithmetic of our own kernels is in float throughout.

namespace twinpatch::cuda {

/// IEEE 754 binary16 and bfloat16 as bit patterns, the same bytes as __half and __nv_bfloat16.
struct Half {
  std::uint16_t bits;
};
struct Bfloat16 {
  std::uint16_t bits;
};

#if defined(__CUDACC__)
TWINPATCH_DEVICE_INLINE float to_float(Half value) { return __half2float(__half(__half_raw{value.bits})); }
TWINPATCH_DEVICE_INLINE float to_float(Bfloat16 value) {
  return __bfloat162float(__nv_bfloat16(__nv_bfloat16_raw{value.bits}));
}
TWINPATCH_DEVICE_INLINE void store(Half& to, float value) { to.bits = __half_raw(__float2half_rn(value)).x; }
TWINPATCH_DEVICE_INLINE void store(Bfloat16& to, float value) {
  to.bits = __nv_bfloat16_raw(__float2bfloat16_rn(value)).x;
}
#else
inline float to_float(Half value) { return from_half(value.bits); }
inline float to_float(Bfloat16 value) { return from_bfloat16(value.bits); }
inline void store(Half& to, float value) { to.bits = to_half(value); }
inline void store(Bfloat16& to, float value) { to.bits = to_bfloat16(value); }
#endif
TWINPATCH_DEVICE_INLINE float to_float(float value) { return value; }
TWINPATCH_DEVICE_INLINE void store(float& to, float value) { to = value; }

/// What is kept of a score: larger keys rank first, that is, higher scores, and of equal ones the lower index. 0 stands
/// for nothing; every finite score gives more.
TWINPATCH_DEVICE_INLINE std::uint64_t pack_key(float score, std::int32_t index) {
  score += 0.0F;  // −0 and +0 are one score
  std::uint32_t bits = 0;
  memcpy(&bits, &score, sizeof(bits));
  const std::uint32_t ordered = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return static_cast<std::uint64_t>(ordered) << 32 | static_cast<std::uint32_t>(~index);
}
TWINPATCH_DEVICE_INLINE float key_score(std::uint64_t key) {
  const auto ordered = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t bits = (ordered & 0x80000000U) != 0 ? ordered & 0x7fffffffU : ~ordered;
  float score = 0;
  memcpy(&score, &bits, sizeof(bits));
  return score;
}
TWINPATCH_DEVICE_INLINE std::int32_t key_index(std::uint64_t key) {
  return static_cast<std::int32_t>(~static_cast<std::uint32_t>(key));
}

}  // namespace twinpatch::cuda
