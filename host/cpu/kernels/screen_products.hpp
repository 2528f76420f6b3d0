// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/screen_kernels.hpp"

// Highway 1.0 has no sums of 8-bit products. So these are intrinsics, one small file for each instruction set, which
// is compiled for it and includes nothing else of the library.

namespace twinpatch::cpu {

extern const ScreenKernels kAmxScreen;         ///< screen_amx.cpp: AMX int8; heads by AVX-512 VNNI
extern const ScreenKernels kAvx512VnniScreen;  ///< screen_avx512_vnni.cpp
extern const ScreenKernels kAvx512Screen;      ///< screen_avx512.cpp: products of pairs in 16 bits
extern const ScreenKernels kAvxVnniScreen;     ///< screen_avx_vnni.cpp
extern const ScreenKernels kAvx2Screen;        ///< screen_avx2.cpp: products of pairs in 16 bits

}  // namespace twinpatch::cpu
