// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/screen_product-inl.hpp"

namespace twinpatch::cpu {
namespace {

struct Avx512 : Bits512 {
  static Vector add_products(Vector sum, Vector u, Vector s) {
    const Vector pairs = _mm512_maddubs_epi16(u, s);  // at most 2 · 127 · 127 or 2 · 255 · 64: no saturation
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
};

}  // namespace

const ScreenKernels kAvx512Screen{.name = "avx512",
                                  .panel = 48,
                                  .grain = 4,
                                  .levels = 63,
                                  .multiples = 64,
                                  .dot = &screen_strip<Avx512, false>,
                                  .head = &screen_strip<Avx512, true>};

}  // namespace twinpatch::cpu
