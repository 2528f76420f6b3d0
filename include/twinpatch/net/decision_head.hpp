// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "twinpatch/net/model.hpp"

// The decision layers of a siamese network as grids and lists of pairs need them. The first layer is linear in the two
// halves of its input [left ‖ right]: W·[l; r] + b = (W_left·l + b) + W_right·r, so each half is computed once a patch.

namespace twinpatch {

/// The decision layers, read. Spans are into the model, valid as long as it.
struct DecisionHead {
  struct Layer {
    std::span<const float> weight;  ///< [out, in]; of the first layer, `in` is both halves, the left one first
    std::span<const float> bias;    ///< [out]
    std::int64_t in = 0;
    std::int64_t out = 0;
    std::optional<Activation::Kind> activation;  ///< after it
  };
  std::vector<Layer> layers;  ///< at least one; the last has out = 1

  [[nodiscard]] const Layer& first() const { return layers.front(); }
  /// Length of what the two halves are added into.
  [[nodiscard]] std::int64_t hidden() const { return first().out; }
  /// Length of one side's half of the input.
  [[nodiscard]] std::int64_t half() const { return first().in / 2; }
  /// Position in the spec's decision layers of the first one that is not part of first().
  std::size_t rest = 0;
  /// Linear - ReLU - Linear(1): score = Σ_k w_k · max(left_k + right_k, 0) + bias, for which engines have kernels.
  [[nodiscard]] bool has_two_layers() const;
};

/// Reads the decision layers, whose batch normalisations must be folded. Throws InvalidArgument for a model without
/// their weights, and for an activation that follows another one.
[[nodiscard]] DecisionHead read_decision_head(const Model& model);

}  // namespace twinpatch
