// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

#include "runtime/number_type.hpp"
#include "twinpatch/backend/options.hpp"

namespace twinpatch::cuda {

/// How far a product of two rows of numbers in some precision may lie from that of the rows: slack · (‖left‖² +
/// ‖right‖²) + margin, by the rounding of its operands. Those rounded by a relative u add u; what fp16 loses below its
/// smallest normal number is 2⁻²⁵ a value.
struct MetricBounds {
  double slack = 0;
  float margin = 0;
};
[[nodiscard]] inline MetricBounds operand_bounds(Precision precision, std::int64_t length) {
  const double root = std::sqrt(static_cast<double>(length));
  switch (precision) {
    case Precision::tf32:
      return {.slack = 1.1 * 0x1p-10};
    case Precision::fp16:
      return {.slack = 1.1 * 0x1p-11 + 0x1p-26 * root, .margin = static_cast<float>(0x1p-25 * root)};
    case Precision::bf16:
      return {.slack = 1.1 * 0x1p-8};
    default:
      return {};
  }
}

/// Of rows stored in half precision.
[[nodiscard]] inline MetricBounds operand_bounds(NumberType type, std::int64_t length) {
  return operand_bounds(type == NumberType::bf16 ? Precision::bf16 : Precision::fp16, length);
}

}  // namespace twinpatch::cuda
