// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "row_quantisation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "twinpatch/core/error.hpp"

namespace twinpatch::net {
namespace {

constexpr float kLargest = 127;
constexpr std::uint32_t kDroppedBits = 12;  // of the 24 of a float's mantissa

/// The least float of 12 mantissa bits that is not below `value` (≥ 0, far from overflow).
float round_up(float value) {
  constexpr std::uint32_t kMask = (1U << kDroppedBits) - 1;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + kMask) & ~kMask);
}

std::size_t row_size(std::size_t values, std::size_t rows) { return rows == 0 ? 0 : values / rows; }

}  // namespace

QuantisedRows quantise_rows(const Tensor& tensor) {
  QuantisedRows rows;
  rows.scales.resize(tensor.shape.empty() ? 1 : static_cast<std::size_t>(tensor.shape.front()));
  rows.values.reserve(tensor.values.size());
  const std::size_t size = row_size(tensor.values.size(), rows.scales.size());
  for (std::size_t row = 0; row < rows.scales.size(); ++row) {
    const auto values = std::span(tensor.values).subspan(row * size, size);
    float largest = 0;
    for (const float value : values) {
      if (!std::isfinite(value))
        throw InvalidArgument(fmt::format("{} cannot be stored as an 8-bit integer with a scale", value));
      largest = std::max(largest, std::abs(value));
    }
    const float scale = round_up(largest / kLargest);
    rows.scales[row] = scale;
    for (const float value : values) {
      const float steps = scale > 0 ? std::nearbyint(value / scale) : 0;
      rows.values.push_back(static_cast<std::int8_t>(std::clamp(steps, -kLargest, kLargest)));
    }
  }
  return rows;
}

std::vector<float> values_of(const QuantisedRows& rows) {
  std::vector<float> values;
  values.reserve(rows.values.size());
  const std::size_t size = row_size(rows.values.size(), rows.scales.size());
  for (std::size_t row = 0; row < rows.scales.size(); ++row)
    for (const std::int8_t value : std::span(rows.values).subspan(row * size, size))
      values.push_back(rows.scales[row] * static_cast<float>(value));
  return values;
}

}  // namespace twinpatch::net
