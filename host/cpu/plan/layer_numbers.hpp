// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "twinpatch/backend/options.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cpu {

/// What a layer's weights and inputs are rounded to before they are multiplied. Sums, and activations between layers,
/// are float32 always.
struct LayerNumbers {
  Precision precision = Precision::fp32;
};

/// What this processor multiplies faster than float32, and float32: fp32 first.
[[nodiscard]] std::vector<Precision> processor_precisions();
/// "fp32, bf16"
[[nodiscard]] std::string names_of(std::span<const Precision> precisions);

/// Whether a direct convolution in `precision` is faster here than Winograd's method in float32, for a layer that
/// Winograd's method takes.
[[nodiscard]] bool beats_winograd(Precision precision, const Convolution& layer);

}  // namespace twinpatch::cpu
