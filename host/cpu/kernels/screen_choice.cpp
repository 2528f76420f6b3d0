// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>

#include "kernels/grid_kernels.hpp"
#include "kernels/screen_kernels.hpp"

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/screen_products.hpp"
#endif

// Which screen a processor gets. What this file asks of the processor is plain code, compiled for any.

namespace twinpatch::cpu {
namespace {

struct Entry {
  const ScreenKernels* kernels;
  bool (*available)();
};

#ifdef __x86_64__

bool has_avx512() { return __builtin_cpu_supports("avx512bw") != 0; }
bool has_avx512_vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni") != 0; }
bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }

bool has_avx_vnni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1U << 4)) != 0;
}

/// Tiles are state that Linux gives a process on request alone: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA). Refused, by
/// an older kernel or a sandbox, there are none.
bool may_use_tiles() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned kTiles = 1U << 24;
  constexpr unsigned kInt8 = 1U << 25;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kTiles) == 0 || (d & kInt8) == 0) return false;
  constexpr long kRequestPermission = 0x1023;
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool has_amx() {
  static const bool permitted = may_use_tiles();
  return permitted && has_avx512_vnni();
}

constexpr std::array kEntries{Entry{&kAmxScreen, has_amx}, Entry{&kAvx512VnniScreen, has_avx512_vnni},
                              Entry{&kAvx512Screen, has_avx512}, Entry{&kAvxVnniScreen, has_avx_vnni},
                              Entry{&kAvx2Screen, has_avx2}};

#else

constexpr std::array<Entry, 0> kEntries{};

#endif

}  // namespace

const ScreenKernels* screen_kernels(const char* name) {
  for (const Entry& entry : kEntries) {
    const bool wanted = std::strcmp(name, "auto") == 0 || std::strcmp(name, entry.kernels->name) == 0;
    if (wanted && entry.kernels->panel == grid_kernels().panel && entry.available()) return entry.kernels;
  }
  return nullptr;
}

std::span<const char* const> screen_kernel_names() {
  static constexpr std::array names{"amx-int8", "avx512-vnni", "avx512", "avx-vnni", "avx2"};
  return names;
}

}  // namespace twinpatch::cpu
