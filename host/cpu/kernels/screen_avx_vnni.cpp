// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/screen_product-inl.hpp"

namespace twinpatch::cpu {
namespace {

struct AvxVnni : Bits256 {
  static Vector add_products(Vector sum, Vector u, Vector s) { return _mm256_dpbusd_avx_epi32(sum, u, s); }
};

}  // namespace

const ScreenKernels kAvxVnniScreen{.name = "avx-vnni",
                                   .panel = 16,
                                   .grain = 4,
                                   .levels = 127,
                                   .multiples = 127,
                                   .dot = &screen_strip<AvxVnni, false>,
                                   .head = &screen_strip<AvxVnni, true>};

}  // namespace twinpatch::cpu
