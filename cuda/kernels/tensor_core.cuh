// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "kernels/launch_helpers.cuh"
#if !defined(__CUDACC__)
#include "simt/tensor_core.hpp"
#endif

// Tensor cores and asynchronous copies of sm_80 and later as functions; tests/simt has them by fragment. A fragment's
// layout is the PTX ISA's: of a lane, `group` = lane / 4 and `pair` = lane % 4.

namespace twinpatch::cuda::kernels {

/// Eight numbers of 16 bits: what one copy moves.
struct alignas(16) Chunk {
  std::uint16_t numbers[8];
};
inline constexpr int kChunk = 8;

/// Four matrices of 8 × 8 numbers of 16 bits out of shared memory. Lane l gives row l % 8 of matrix l / 8; it gets
/// numbers 2 · pair and 2 · pair + 1 of row `group` of matrix m in to[m]. By a whole warp.
__device__ inline void load_matrices(const Chunk* row, unsigned (&to)[4]) {
#if defined(__CUDACC__)
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
#else
  simt::load_matrices(row, to);
#endif
}

/// sums [16 × 8] += left [16 × 16] · right [16 × 8], T numbers, sums in fp32. sums: rows group and group + 8, columns
/// 2 · pair and 2 · pair + 1. left: as load_matrices() gives the quarters top left, bottom left, top right, bottom
/// right. right: of its transpose, [8 × 16], the left and the right half. By a whole warp.
template <class T>
__device__ inline void multiply_add(float (&sums)[4], const unsigned (&left)[4], unsigned right_0, unsigned right_1) {
  constexpr bool kHalf = std::is_same_v<T, Half>;
#if defined(__CUDACC__)
  if constexpr (kHalf) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right_0), "r"(right_1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right_0), "r"(right_1));
  }
#else
  const unsigned right[2] = {right_0, right_1};
  simt::multiply_add(kHalf ? simt::Operand::half : simt::Operand::bfloat16, sums, left, right);
#endif
}

/// Begins to copy a chunk from global to shared memory, past the first-level cache; `bytes` of it, the rest zero.
__device__ inline void copy_async(Chunk* to, const void* from, int bytes) {
#if defined(__CUDACC__)
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
#else
  simt::copy_async(to, from, bytes);
#endif
}
/// Ends a group of copies of this thread.
__device__ inline void commit_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  simt::commit_copies();
#endif
}
/// Until all but the last kPending groups of this thread are there; for other threads' a barrier must follow.
template <int kPending>
__device__ inline void wait_for_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#else
  simt::wait_for_copies(kPending);
#endif
}

}  // namespace twinpatch::cuda::kernels
