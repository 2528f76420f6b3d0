// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/backend/options.hpp"
#include "twinpatch/net/activation_ranges.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cpu {

/// Values that were rounded to 8 bits in a run, and how many of them lay outside their layer's range.
struct SaturationTotals {
  std::atomic<std::int64_t> values = 0;
  std::atomic<std::int64_t> saturated = 0;
};

/// What a layer's weights and inputs are rounded to before they are multiplied. Sums are float32 (int8: exact, 32
/// bits), and activations between layers are float32 always.
struct LayerNumbers {
  Precision precision = Precision::fp32;
  ActivationRange range = {};              ///< int8: of the inputs
  SaturationTotals* saturation = nullptr;  ///< int8: counted there, if not null
};

/// How int8 divides a range: value ≈ step · integer, integers 0 to 255 where no input is negative, else −127 to 127.
struct IntegerSteps {
  float step = 1;
  bool is_signed = false;
};
[[nodiscard]] IntegerSteps integer_steps(ActivationRange range);

/// Weights as integers −127 to 127, a step for each output: weight ≈ step · integer.
struct IntegerWeights {
  std::vector<float> integers;  ///< [out, in]
  std::vector<float> steps;     ///< [out]
};
[[nodiscard]] IntegerWeights integer_weights(std::span<const float> weight, std::int64_t out);

/// What this processor multiplies faster than float32, and float32: fp32 first.
[[nodiscard]] std::vector<Precision> processor_precisions();
/// What it multiplies low precision with, which decides what each layer computes in: "AMX", "AVX-512 BF16", "VNNI" or
/// "fp32 alone".
[[nodiscard]] const char* product_kind();
/// "fp32, bf16"
[[nodiscard]] std::string names_of(std::span<const Precision> precisions);

/// Whether a direct convolution in `precision` is faster here than Winograd's method in the best that the processor has
/// for it, for a layer that Winograd's method takes.
[[nodiscard]] bool beats_winograd(Precision precision, const Convolution& layer);

}  // namespace twinpatch::cpu
