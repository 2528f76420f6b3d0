// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/step.hpp"

// Everything that touches oneDNN is behind this header, in dnnl_steps.cpp and dnnl_primitives.cpp.

namespace twinpatch::cpu {

/// Without pooling.
[[nodiscard]] std::unique_ptr<Step> make_convolution_step(const ConvolutionWork& work, StepSize size);
[[nodiscard]] std::unique_ptr<Step> make_inner_product_step(const ProductWork& work, StepSize size);
/// Averages are over the values really inside the map.
[[nodiscard]] std::unique_ptr<Step> make_pooling_step(const Pooling& layer, Shape input, Shape output, StepSize size);
[[nodiscard]] std::unique_ptr<Step> make_activation_step(Activation::Kind kind, std::int64_t values, StepSize size);

/// Holds oneDNN's own threading to one thread while it lives, on the calling thread: a worker of the pool runs its
/// sub-batch alone, without barriers.
class SingleThreaded {
 public:
  SingleThreaded();
  ~SingleThreaded();
  SingleThreaded(const SingleThreaded&) = delete;             // restores on leaving its scope
  SingleThreaded& operator=(const SingleThreaded&) = delete;  // likewise

 private:
  int threads_before_ = 1;
};

/// What oneDNN multiplies in hardware on this processor, beside float32. $DNNL_MAX_CPU_ISA may hide some.
struct DnnlProducts {
  bool bf16 = false;
  bool int8 = false;  ///< with sums in 32 bits: VNNI
  bool amx = false;
};
[[nodiscard]] DnnlProducts dnnl_products();

/// "oneDNN 2.6.3"
[[nodiscard]] std::string dnnl_version();

}  // namespace twinpatch::cpu
