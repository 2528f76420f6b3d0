// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/paired_products.hpp"

#include "kernels/paired_stem.hpp"
#include "kernels/winograd_stem.hpp"

// Plain code, compiled for any processor.

namespace twinpatch::cpu {

#ifdef __x86_64__

extern const PairedProducts kAvx512VnniProducts;
extern const PairedStems kAvx512VnniStems;
extern const WinogradStems kAvx512VnniWinogradStems;

namespace {

bool has_avx512_vnni() { return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vnni") != 0; }

}  // namespace

const PairedProducts* paired_products() { return has_avx512_vnni() ? &kAvx512VnniProducts : nullptr; }
const PairedStems* paired_stems() { return has_avx512_vnni() ? &kAvx512VnniStems : nullptr; }
const WinogradStems* winograd_stems() { return has_avx512_vnni() ? &kAvx512VnniWinogradStems : nullptr; }

#else

const PairedProducts* paired_products() { return nullptr; }
const PairedStems* paired_stems() { return nullptr; }
const WinogradStems* winograd_stems() { return nullptr; }

#endif

}  // namespace twinpatch::cpu
