// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plan/activation_recorder.hpp"
#include "plan/step.hpp"
#include "twinpatch/core/buffer.hpp"
#include "twinpatch/net/fused_layers.hpp"

namespace twinpatch::cpu {

struct PlanOptions {
  StepSize size;
  bool exact_convolutions = false;
  /// Of the products. First convolutions, which see the grey levels, and decision layers compute in float32 always.
  /// Layers where Winograd's method is faster have products of 16-bit integers (kernels/paired_products.hpp), and of
  /// float32 on processors without.
  Precision precision = Precision::fp32;
  SaturationTotals* saturation = nullptr;  ///< of int8; may be null
  ActivationRecorder* recorder = nullptr;  ///< gets the ranges that int8 needs; may be null
};

/// Memory one worker needs to run plans: two buffers that layers write in turn, and scratch space.
struct Workspace {
  Buffer<float> ping, pong;
  Buffer<std::byte> scratch;
};

/// Layers of a network from a fixed input size to their output: steps, built once, run many times.
class LayerPlan {
 public:
  /// Layers [first, end of the list), whose batch normalisations are folded; `input` is the input of layer `first`.
  /// Throws ShapeError naming a tensor that is missing or of another size, InvalidArgument for int8 and a model that
  /// was not calibrated.
  LayerPlan(const LayerList& list, std::size_t first, Shape input, const PlanOptions& options);

  /// `in` [batch, input], NHWC or planar; returns the output, NHWC [batch, output], in the workspace, or `in` itself
  /// where there is no layer.
  const float* run(int worker, std::int64_t batch, const float* in, Workspace& workspace) const;

  /// The same in two parts: the layers before the first matrix product, whose activations are large, which a caller
  /// runs on a few items at a time; and the rest, whose weights are large, on all of them. out [batch, middle()].
  void run_first(int worker, std::int64_t batch, const float* in, float* out, Workspace& workspace) const;
  const float* run_rest(int worker, std::int64_t batch, const float* in, Workspace& workspace) const;
  /// Floats of an item between the parts.
  [[nodiscard]] std::int64_t middle() const noexcept { return middle_; }

  [[nodiscard]] Shape input() const noexcept { return input_; }
  [[nodiscard]] Shape output() const noexcept { return output_; }
  /// The input is [channels, height, width] an item, as the kernels for first convolutions read it, not NHWC.
  [[nodiscard]] bool planar_input() const noexcept { return planar_input_; }
  /// What `run` needs of a workspace: floats of each of the two buffers, bytes of scratch.
  [[nodiscard]] std::int64_t buffer_floats() const noexcept { return buffer_floats_; }
  [[nodiscard]] std::int64_t scratch_bytes() const noexcept { return scratch_bytes_; }
  /// One line a step, in words.
  [[nodiscard]] std::vector<std::string> describe() const;

 private:
  struct Planner;
  Shape input_, output_;
  std::vector<std::unique_ptr<Step>> steps_;
  bool planar_input_ = false;
  std::size_t first_steps_ = 0;  // before the first product
  std::int64_t middle_ = 0;
  std::int64_t buffer_floats_ = 0;
  std::int64_t scratch_bytes_ = 0;
};

/// A workspace large enough for each of the plans.
[[nodiscard]] Workspace make_workspace(std::span<const LayerPlan> plans);

}  // namespace twinpatch::cpu
