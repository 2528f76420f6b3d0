// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "plan/layer_numbers.hpp"
#include "twinpatch/net/spec.hpp"

namespace twinpatch::cpu {

using ActivationKind = std::optional<Activation::Kind>;

/// One step of a network, planned for a largest batch and a number of workers. Activations are float32, NHWC (channels
/// innermost), without gaps between the items of a batch. Weights are reordered in the making; run() allocates nothing.
class Step {
 public:
  virtual ~Step() = default;
  /// `in` [batch, input], `out` [batch, output], 1 ≤ batch ≤ the planned one. Each worker at most once at a time;
  /// different workers at the same time. `scratch` has scratch_bytes() bytes, aligned to 64, the worker's own.
  virtual void run(int worker, std::int64_t batch, const float* in, float* out, std::byte* scratch) = 0;
  [[nodiscard]] virtual std::int64_t scratch_bytes() const { return 0; }
  /// What runs, in words: "oneDNN convolution jit:avx512_core".
  [[nodiscard]] virtual std::string name() const = 0;
};

/// A convolution and what is computed in the same pass.
struct ConvolutionWork {
  Convolution layer;
  Shape input;
  Shape output;                   ///< of the convolution itself
  ActivationKind activation;      ///< after it
  bool pool = false;              ///< then max pooling 2×2, stride 2, rounding down
  const float* weight = nullptr;  ///< [out, in, kernel height, kernel width]
  const float* bias = nullptr;    ///< [out], or null
  LayerNumbers numbers = {};      ///< first convolutions compute in float32 alone
};

/// A matrix product and what is computed in the same pass.
struct ProductWork {
  std::int64_t in = 0;
  std::int64_t out = 0;
  ActivationKind activation;
  const float* weight = nullptr;  ///< [out, in], the inputs in the order in which the activations lie
  const float* bias = nullptr;    ///< [out], or null
  LayerNumbers numbers = {};
};

/// What a step is planned for.
struct StepSize {
  std::int64_t batch = 1;
  int workers = 1;
};

}  // namespace twinpatch::cpu
