// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "vector_types.h"

// What kernels may use of CUDA C++ when compiled as plain C++: the execution space words, the built-in variables,
// barriers, warp functions, atomics and intrinsics. Semantics are those of the CUDA C++ Programming Guide; the
// undefined ones are faults. Threads of a block are fibers: nothing here is truly concurrent.

#define __host__
#define __device__
#define __global__
#define __constant__
/// Static shared memory: one object per block, as blocks run one at a time. Files that use it are compiled with
/// -fdata-sections and linked with shared_memory.ld, which gathers these objects so that a launch can fill them with
/// 0xFF.
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __restrict__ __restrict

inline uint3 threadIdx = {};
inline uint3 blockIdx = {};
inline dim3 blockDim;
inline dim3 gridDim;
constexpr int warpSize = 32;

namespace simt {

/// The running block's dynamic shared memory.
[[nodiscard]] std::byte* dynamic_shared_memory();

namespace detail {

enum class Vote { none, count, all, any };
/// Waits for all threads of the block that have not left the kernel; the vote over their predicates.
int barrier(Vote vote, int predicate);

/// Meets the other lanes of `mask` that have not left the kernel; the last to come calls `combine` once with the mask
/// of those present and every lane's operand, indexed by lane. A fault unless all came with the same mask and kind.
using Combine = void (*)(unsigned present, void* const* operands);
void collective(unsigned mask, const char* kind, void* operand, Combine combine);

[[nodiscard]] int lane();
/// Ends the kernel; its device is lost.
[[noreturn]] void fault(const char* text);
/// A place where another thread may run: atomics are such.
void maybe_yield();

template <class T>
struct Shuffle {
  T value;
  T result;
  int source;
};

template <class T>
T shuffle(unsigned mask, const char* kind, T value, int source) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8, "CUDA shuffles 32 and 64 bits");
  Shuffle<T> operand{value, value, source};
  collective(mask, kind, &operand, [](unsigned present, void* const* operands) {
    for (int lane = 0; lane < 32; ++lane) {
      if ((present >> lane & 1) == 0) continue;
      auto& mine = *static_cast<Shuffle<T>*>(operands[lane]);
      if ((present >> mine.source & 1) == 0) fault("a shuffle reads a lane that takes no part in it");
      mine.result = static_cast<Shuffle<T>*>(operands[mine.source])->value;
    }
  });
  return operand.result;
}

template <class T>
struct Reduction {
  T value;
  int operation;  // 0 add, 1 min, 2 max, 3 and, 4 or, 5 xor, 6 ballot
};

template <class T>
T reduce(unsigned mask, const char* kind, T value, int operation) {
  Reduction<T> operand{value, operation};
  collective(mask, kind, &operand, [](unsigned present, void* const* operands) {
    bool first = true;
    T total{};
    for (int lane = 0; lane < 32; ++lane) {
      if ((present >> lane & 1) == 0) continue;
      const auto& mine = *static_cast<Reduction<T>*>(operands[lane]);
      if (mine.operation == 6) {
        total |= mine.value != 0 ? static_cast<T>(1u << lane) : T{0};
        continue;
      }
      switch (first ? -1 : mine.operation) {
        case 0:
          total = static_cast<T>(total + mine.value);
          break;
        case 1:
          total = std::min(total, mine.value);
          break;
        case 2:
          total = std::max(total, mine.value);
          break;
        case 3:
          total &= mine.value;
          break;
        case 4:
          total |= mine.value;
          break;
        case 5:
          total ^= mine.value;
          break;
        default:
          total = mine.value;
          break;
      }
      first = false;
    }
    for (int lane = 0; lane < 32; ++lane) {
      if ((present >> lane & 1) != 0) static_cast<Reduction<T>*>(operands[lane])->value = total;
    }
  });
  return operand.value;
}

}  // namespace detail
}  // namespace simt

// ---- barriers and fences

inline void __syncthreads() { (void)simt::detail::barrier(simt::detail::Vote::none, 0); }
inline int __syncthreads_count(int predicate) { return simt::detail::barrier(simt::detail::Vote::count, predicate); }
inline int __syncthreads_and(int predicate) { return simt::detail::barrier(simt::detail::Vote::all, predicate); }
inline int __syncthreads_or(int predicate) { return simt::detail::barrier(simt::detail::Vote::any, predicate); }
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu) {
  int nothing = 0;
  simt::detail::collective(mask, "__syncwarp", &nothing, [](unsigned, void* const*) {});
}
inline void __threadfence() {}
inline void __threadfence_block() {}

// ---- warp functions

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const int base = simt::detail::lane() & ~(width - 1);
  return simt::detail::shuffle(mask, "__shfl_sync", value, base + (source & (width - 1)));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const int lane = simt::detail::lane();
  const int source = lane - static_cast<int>(delta);
  return simt::detail::shuffle(mask, "__shfl_up_sync", value, source < (lane & ~(width - 1)) ? lane : source);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const int lane = simt::detail::lane();
  const int source = lane + static_cast<int>(delta);
  return simt::detail::shuffle(mask, "__shfl_down_sync", value, source > (lane | (width - 1)) ? lane : source);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int flip, int width = 32) {
  const int lane = simt::detail::lane();
  const int source = lane ^ flip;
  return simt::detail::shuffle(mask, "__shfl_xor_sync", value, source > (lane | (width - 1)) ? lane : source);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return simt::detail::reduce(mask, "__ballot_sync", predicate != 0 ? 1u : 0u, 6);
}
inline int __any_sync(unsigned mask, int predicate) {
  return simt::detail::reduce(mask, "__any_sync", predicate != 0 ? 1u : 0u, 4) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int predicate) {
  return simt::detail::reduce(mask, "__all_sync", predicate != 0 ? 1u : 0u, 3) != 0 ? 1 : 0;
}
template <class T>
T __reduce_add_sync(unsigned mask, T value) {
  return simt::detail::reduce(mask, "__reduce_add_sync", value, 0);
}
template <class T>
T __reduce_min_sync(unsigned mask, T value) {
  return simt::detail::reduce(mask, "__reduce_min_sync", value, 1);
}
template <class T>
T __reduce_max_sync(unsigned mask, T value) {
  return simt::detail::reduce(mask, "__reduce_max_sync", value, 2);
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value) {
  return simt::detail::reduce(mask, "__reduce_and_sync", value, 3);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value) {
  return simt::detail::reduce(mask, "__reduce_or_sync", value, 4);
}
/// All lanes for which it is called now are those of a diverged warp: nothing a kernel may rely on, so all that were
/// asked.
inline unsigned __match_any_sync(unsigned mask, unsigned value) {
  struct Operand {
    unsigned value, result;
  } operand{value, 0};
  simt::detail::collective(mask, "__match_any_sync", &operand, [](unsigned present, void* const* operands) {
    for (int a = 0; a < 32; ++a) {
      for (int b = 0; b < 32; ++b) {
        if ((present >> a & 1) == 0 || (present >> b & 1) == 0) continue;
        auto& mine = *static_cast<Operand*>(operands[a]);
        if (static_cast<Operand*>(operands[b])->value == mine.value) mine.result |= 1u << b;
      }
    }
  });
  return operand.result;
}

// ---- atomics: indivisible because no fiber is interrupted; another thread may run before each

namespace simt::detail {
template <class T, class F>
T atomic(T* address, F change) {
  maybe_yield();
  const T before = *address;
  *address = change(before);
  return before;
}
}  // namespace simt::detail

template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [value](T old) { return static_cast<T>(old + value); });
}
template <class T>
T atomicSub(T* address, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [value](T old) { return static_cast<T>(old - value); });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [value](T old) { return std::max(old, value); });
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [value](T old) { return std::min(old, value); });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [value](T) { return value; });
}
template <class T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [value](T old) { return static_cast<T>(old | value); });
}
template <class T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [value](T old) { return static_cast<T>(old & value); });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return simt::detail::atomic(address, [=](T old) { return old == expected ? value : old; });
}
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return simt::detail::atomic(address, [limit](unsigned old) { return old >= limit ? 0u : old + 1; });
}

// ---- intrinsics

template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, T value) {
  *address = value;
}
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline float __int_as_float(int bits) { return std::bit_cast<float>(bits); }
inline int __popc(unsigned value) { return std::popcount(value); }
inline int __popcll(unsigned long long value) { return std::popcount(value); }
inline int __clz(int value) { return std::countl_zero(static_cast<unsigned>(value)); }
inline int __clzll(long long value) { return std::countl_zero(static_cast<unsigned long long>(value)); }
inline int __ffs(int value) { return value == 0 ? 0 : std::countr_zero(static_cast<unsigned>(value)) + 1; }
inline int __ffsll(long long value) {
  return value == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(value)) + 1;
}
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float a) { return std::exp(a); }
inline float __logf(float a) { return std::log(a); }
inline float __saturatef(float a) { return a < 0.0f || a != a ? 0.0f : std::min(a, 1.0f); }
inline float rsqrtf(float a) { return 1.0f / std::sqrt(a); }
inline int __float2int_rn(float a) { return static_cast<int>(std::nearbyint(a)); }
inline int __float2int_rz(float a) { return static_cast<int>(a); }
inline int __float2int_rd(float a) { return static_cast<int>(std::floor(a)); }
inline float __int2float_rn(int a) { return static_cast<float>(a); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32);
}
inline long long clock64() { return 0; }

#define SIMT_MIN_MAX(type)                                  \
  inline type min(type a, type b) { return b < a ? b : a; } \
  inline type max(type a, type b) { return a < b ? b : a; }
SIMT_MIN_MAX(int)
SIMT_MIN_MAX(unsigned int)
SIMT_MIN_MAX(long)
SIMT_MIN_MAX(unsigned long)
SIMT_MIN_MAX(long long)
SIMT_MIN_MAX(unsigned long long)
#undef SIMT_MIN_MAX
// As on a device: the other operand where one is not a number.
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }
