// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/net/model.hpp"

// The part of a 2-channel network that can be computed once per patch. Its first convolutions are linear in the two
// channels: conv([p; q]) = convₚ(p) + conv_q(q), so every patch has two halves, and a pair continues from the sum of
// two of them. Every engine uses the network in this form.

namespace twinpatch {

/// What happens to the sum of two halves before the rest of the network: everything up to the next layer with weights
/// that can be fused into the sum.
struct JoinRule {
  std::optional<Activation::Kind> activation;
  bool pool = false;       ///< then max pooling 2×2, stride 2, rounding down, after an activation
  std::size_t layers = 1;  ///< of the stream, the convolution included
  friend bool operator==(const JoinRule&, const JoinRule&) = default;
};

/// The rule, if it is the same for all streams; else nothing, and halves cannot be used.
[[nodiscard]] std::optional<JoinRule> join_rule(const NetworkSpec& spec, Extent patch);

/// One patch's part of such a convolution: of one input channel, its bias with the first patch of a pair.
[[nodiscard]] Convolution half_of(const Convolution& layer, bool first);
/// Its weights [out, 1, kernel.height, kernel.width] out of those of the whole, [out, 2, kernel.height, kernel.width].
[[nodiscard]] std::vector<float> half_weights(const Convolution& layer, std::span<const float> both, bool first);

/// One patch's part of the first convolution of a stream, with its weights.
struct HalfConvolution {
  StreamView view;
  Convolution layer;            ///< half_of the stream's first layer
  std::string name;             ///< what the names of that layer's weights begin with: "branch.0.0."
  Shape input;                  ///< of one channel
  Shape output;                 ///< of every one of the layer's output channels
  std::vector<float> weight;    ///< half_weights of that layer's
  std::span<const float> bias;  ///< in the model, valid as long as it; empty where the half has none
};
/// Of every stream, for the first or the second patch of a pair. Throws ShapeError for weights of another size.
[[nodiscard]] std::vector<HalfConvolution> half_convolutions(const Model& model, Extent patch, bool first);

/// Values of all halves of one patch, at least 1: the outputs of every stream's first layer.
[[nodiscard]] std::int64_t halves_size(const NetworkSpec& spec, Extent patch);

/// The common size of both patches of a pair. Throws ShapeError if they differ.
Extent check_pair(const NetworkSpec& spec, Extent left, Extent right);

}  // namespace twinpatch
