// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/layer_numbers.hpp"

#include "plan/dnnl_steps.hpp"

namespace twinpatch::cpu {

std::vector<Precision> processor_precisions() {
  std::vector<Precision> result{Precision::fp32};
  if (dnnl_products().bf16) result.push_back(Precision::bf16);
  return result;
}

std::string names_of(std::span<const Precision> precisions) {
  std::string names;
  for (const Precision precision : precisions) {
    if (!names.empty()) names += ", ";
    names += to_string(precision);
  }
  return names;
}

bool beats_winograd(Precision precision, const Convolution& layer) {
  // Times as fast as a direct convolution in fp32: Winograd's method 4 (5×5) and 2 to 2.9 (3×3), bf16 2 with AVX-512,
  // with AMX 3 (5×5) and 3 to 6 (3×3). Measured: docs/experiments/low-precision.md.
  return precision == Precision::bf16 && dnnl_products().amx && layer.kernel == Extent{3, 3};
}

}  // namespace twinpatch::cpu
