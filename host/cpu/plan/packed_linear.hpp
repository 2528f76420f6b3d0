// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/grid_kernels.hpp"
#include "plan/step.hpp"

namespace twinpatch::cpu {

/// Applies what follows a fully connected layer, in place; nothing where there is nothing.
void apply(ActivationKind activation, std::span<float> values);

/// A fully connected layer, its weights packed for the strips of the grid kernels.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// weight [out, in] with `stride` floats between rows; `bias` may be empty (zeros).
  PackedLinear(const float* weight, std::int64_t stride, std::int64_t out, std::int64_t in,
               std::span<const float> bias);

  [[nodiscard]] std::int64_t in() const { return in_; }
  [[nodiscard]] std::int64_t out() const { return out_; }
  /// output [rows, out] = input [rows, in] · weightᵀ + bias; at most kStripRows rows, on the calling thread. Every
  /// output is one sum with k ascending, whatever the number of rows.
  void run(const float* input, std::int64_t input_stride, std::int64_t rows, float* output,
           std::int64_t output_stride) const;

 private:
  const GridKernels* kernels_ = &grid_kernels();
  std::int64_t in_ = 0;
  std::int64_t out_ = 0;
  std::vector<float> panels_;     ///< [ceil(out / panel), in, panel]
  std::vector<float> constants_;  ///< [ceil(out / panel), panel]
};

}  // namespace twinpatch::cpu
