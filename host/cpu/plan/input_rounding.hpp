// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan/layer_numbers.hpp"

namespace twinpatch::cpu {

/// Rounds a step's inputs to what its products take, into the front of the step's scratch space.
class InputRounding {
 public:
  /// `values` of an item, at most `batch` items at once.
  InputRounding(const LayerNumbers& numbers, std::int64_t values, std::int64_t batch);
  /// A multiple of 64; 0 where inputs stay float32.
  [[nodiscard]] std::int64_t scratch_bytes() const noexcept { return scratch_bytes_; }
  /// The items in the layer's numbers: in `scratch`, or `in` itself.
  [[nodiscard]] const void* round(const float* in, std::int64_t batch, std::byte* scratch) const;
  /// After round() and the products: integers have no NaN, so the outputs [batch, values] of items that had an input
  /// that is not finite become NaN.
  void spoil(const std::byte* scratch, std::int64_t batch, float* out, std::int64_t values) const;

 private:
  void round_to_integers(const float* in, std::int64_t batch, std::byte* scratch) const;

  LayerNumbers numbers_;
  IntegerSteps steps_;
  std::int64_t values_;
  std::int64_t flags_ = 0;  // where the items' "not finite" begin, a byte each
  std::int64_t scratch_bytes_ = 0;
};

}  // namespace twinpatch::cpu
