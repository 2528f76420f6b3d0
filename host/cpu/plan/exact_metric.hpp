// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/grid_kernels.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cpu {

/// The score of two descriptors [length] from their values, in double precision: minus a distance, or a dot product.
/// The same bits on every instruction set, in grids and in lists.
class ExactMetric {
 public:
  explicit ExactMetric(DecisionMetric::Kind kind) : kind_(kind) {}

  [[nodiscard]] float operator()(const float* a, const float* b, std::int64_t length) const {
    switch (kind_) {
      case DecisionMetric::Kind::l2:
        return static_cast<float>(-std::sqrt(kernels_.exact_l2(a, b, length)));
      case DecisionMetric::Kind::l1:
        return static_cast<float>(-kernels_.exact_l1(a, b, length));
      case DecisionMetric::Kind::cosine:
        break;
    }
    return static_cast<float>(kernels_.exact_dot(a, b, length));
  }

 private:
  const GridKernels& kernels_ = grid_kernels();
  DecisionMetric::Kind kind_;
};

}  // namespace twinpatch::cpu
