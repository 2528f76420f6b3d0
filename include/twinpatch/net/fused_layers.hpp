// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/net/model.hpp"

// A list of layers as an engine runs it: every layer with its weights, its shapes, and what is computed in the same
// pass. Every engine lowers this list; what it can fuse is a parameter.

namespace twinpatch {

/// A layer and those after it that are computed in the same pass: first its activation, then its pooling.
struct FusedLayer {
  const Layer* layer = nullptr;  ///< of the list; an activation or a pooling that nothing took along stands alone
  std::string name;              ///< what the names of its weights begin with, and a point: "branch.0.3."
  std::size_t end = 0;           ///< position in the list of the first layer after the group
  Shape input;
  Shape layer_output;  ///< of the layer itself
  Shape output;        ///< of the whole group
  /// In the model, valid as long as it: convolutions [out, in, height, width], linear layers [out, in], subsampling
  /// [channels]; empty where the layer has none.
  std::span<const float> weight, bias;
  /// A linear layer, or a convolution whose filters are as large as its input: weight [layer_output, input].
  bool is_product = false;
  std::optional<Activation::Kind> activation;
  std::optional<Pooling> pooling;
};

/// What an engine computes on a layer's way out.
struct FusionRules {
  /// Whether the activation after a convolution or product is part of the pass.
  std::function<bool(const FusedLayer& group, Activation::Kind activation)> fuses_activation;
  /// Whether the pooling after a convolution (and the activation it has fused) is.
  std::function<bool(const FusedLayer& group, const Pooling& pooling)> fuses_pooling;
};

/// Layers of one stream or of the decision, and the model that holds their weights "<prefix>.<layer>.<field>".
struct LayerList {
  const Model* model = nullptr;
  std::string prefix;  ///< "branch.0", "decision"
  std::span<const Layer> layers;
};

/// Layers [first, end of the list); `input` is the input of layer `first`. Batch normalisations must be folded. Throws
/// ShapeError naming a tensor that is missing or of another size.
[[nodiscard]] std::vector<FusedLayer> fuse_layers(const LayerList& list, std::size_t first, Shape input,
                                                  const FusionRules& rules);

/// Input of layer `layer` of a stream.
[[nodiscard]] Shape layer_input(const NetworkSpec& spec, const Stream& stream, Extent patch, std::size_t layer);

/// Values of one item's activations in all streams: what batches are planned with.
struct ActivationSizes {
  std::int64_t inputs = 0;   ///< of all streams together
  std::int64_t largest = 1;  ///< of any layer
};
[[nodiscard]] ActivationSizes activation_sizes(const NetworkSpec& spec, Extent patch);

/// Columns of a matrix [rows, shape.size()] from (channel, row, column) order into (row, column, channel) order, in
/// which engines keep maps.
[[nodiscard]] std::vector<float> columns_channels_last(std::span<const float> matrix, Shape shape);

}  // namespace twinpatch
