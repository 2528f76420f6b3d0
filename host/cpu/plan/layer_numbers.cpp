// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/layer_numbers.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/paired_products.hpp"
#include "plan/dnnl_steps.hpp"

namespace twinpatch::cpu {
namespace {

constexpr float kLargestSigned = 127;
constexpr float kLargestUnsigned = 255;

/// Of a layer that has but zeros any step is right.
float step_for(float largest, float integers) { return largest > 0 ? largest / integers : 1; }

}  // namespace

IntegerSteps integer_steps(ActivationRange range) {
  if (range.low >= 0) return {step_for(range.high, kLargestUnsigned), false};
  return {step_for(std::max(-range.low, range.high), kLargestSigned), true};
}

IntegerWeights integer_weights(std::span<const float> weight, std::int64_t out) {
  IntegerWeights result{{}, std::vector<float>(static_cast<std::size_t>(out))};
  result.integers.reserve(weight.size());
  const std::size_t in = weight.size() / result.steps.size();
  for (std::size_t o = 0; o < result.steps.size(); ++o) {
    const auto row = weight.subspan(o * in, in);
    float largest = 0;
    for (const float value : row) largest = std::max(largest, std::abs(value));
    const float step = step_for(largest, kLargestSigned);
    for (const float value : row) result.integers.push_back(std::nearbyint(value / step));
    result.steps[o] = step;
  }
  return result;
}

std::vector<Precision> processor_precisions() {
  std::vector<Precision> result{Precision::fp32};
  if (dnnl_products().bf16) result.push_back(Precision::bf16);
  if (dnnl_products().int8) result.push_back(Precision::int8);
  return result;
}

const char* product_kind() {
  const DnnlProducts has = dnnl_products();
  if (has.amx) return "AMX";
  if (has.bf16) return "AVX-512 BF16";
  return has.int8 ? "VNNI" : "fp32 alone";
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
  // Times as fast as a direct convolution in fp32: Winograd's method in fp32 4 (5×5) and 2 to 2.9 (3×3), in 16-bit
  // integers 6.6 and 2.1 to 4.7; bf16 2 with AVX-512, with AMX 3 (5×5) and 3 to 6 (3×3); int8 3 to 4, with AMX 4.4 to
  // 10. Measured: docs/experiments/low-precision.md.
  const bool is_small = layer.kernel == Extent{3, 3};
  const bool is_narrow = std::min(layer.in, layer.out) < 64;  // rows too short for their transforms
  const bool has_integers = paired_products() != nullptr;
  switch (precision) {
    case Precision::bf16:
      return dnnl_products().amx && is_small;
    case Precision::int8:
      return dnnl_products().amx || (is_small && (is_narrow || !has_integers));
    default:
      return false;
  }
}

}  // namespace twinpatch::cpu
