// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/screen_product-inl.hpp"

namespace twinpatch::cpu {
namespace {

struct Avx512Vnni : Bits512 {
  static Vector add_products(Vector sum, Vector u, Vector s) { return _mm512_dpbusd_epi32(sum, u, s); }
};

}  // namespace

const ScreenKernels kAvx512VnniScreen{.name = "avx512-vnni",
                                      .panel = 48,
                                      .grain = 4,
                                      .levels = 127,
                                      .multiples = 127,
                                      .dot = &screen_strip<Avx512Vnni, false>,
                                      .head = &screen_strip<Avx512Vnni, true>};

}  // namespace twinpatch::cpu
