// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/number_type.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cuda {

/// Convolution, its bias, ReLU and max pooling over a whole batch.
struct ConvolutionRequest {
  std::int64_t batch = 1;
  Shape input;                       ///< of one item
  Convolution layer;                 ///< its bias is added where it has one
  bool relu = false;                 ///< after the bias
  std::optional<Pooling> pooling{};  ///< after the ReLU; max pooling only, windows of at most 32 a side
  /// fp32: no TF32 anywhere. tf32: float storage, TF32 products. fp16, bf16: storage, with sums in fp32.
  Precision precision = Precision::fp32;
  /// Only direct convolutions: no Winograd.
  bool exact = false;
  /// Workspace that an algorithm may take, in bytes, beyond the unpooled output where that has to be stored.
  std::int64_t workspace_limit = std::int64_t{64} << 20;

  /// Throws ShapeError or InvalidArgument for what does not fit together or is not offered.
  void validate() const;
  /// Output of the convolution, and of the whole.
  [[nodiscard]] Shape convolved() const;
  [[nodiscard]] Shape output() const;
};

/// Everything a plan for it depends on, in one line: "conv n4096 96x10x10 k5x5 s1x1 p0x0 o192 bias relu max2x2/2x2
/// fp16".
[[nodiscard]] std::string to_text(const ConvolutionRequest& request);

}  // namespace twinpatch::cuda
