// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "twinpatch/formats/safetensors.hpp"

namespace twinpatch::net {

/// Weights [rows, …] as integers with one scale a row (the first dimension: an output of the layer):
/// value = scales[row] · values[row, …], |values| ≤ 127.
struct QuantisedRows {
  std::vector<std::int8_t> values;
  std::vector<float> scales;  // [rows], ≥ 0
};

/// The scale of a row is its largest magnitude over 127, rounded up to 12 bits of mantissa. scale · integer is then
/// exact in float32, and rows that come from integers give the same integers and scales again: a model loaded and saved
/// is the same file. Throws InvalidArgument for values that are not finite.
[[nodiscard]] QuantisedRows quantise_rows(const Tensor& tensor);

/// The values [rows, …] back. `values` is a multiple of `scales` long.
[[nodiscard]] std::vector<float> values_of(const QuantisedRows& rows);

}  // namespace twinpatch::net
