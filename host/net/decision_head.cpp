// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/decision_head.hpp"

#include <fmt/format.h>

#include <variant>

#include "twinpatch/core/error.hpp"
#include "twinpatch/net/fused_layers.hpp"

namespace twinpatch {

bool DecisionHead::has_two_layers() const {
  return layers.size() == 2 && first().activation == Activation::Kind::relu && layers[1].out == 1 &&
         !layers[1].activation;
}

DecisionHead read_decision_head(const Model& model) {
  const auto& decision = std::get<DecisionLayers>(model.spec.decision).layers;
  if (model.descriptor_only) {
    throw InvalidArgument(
        fmt::format("network {}: the model has no weights of its decision; it gives descriptors, pairs cannot be "
                    "scored with it",
                    model.spec.name));
  }
  const FusionRules every_activation{.fuses_activation = [](const FusedLayer&, Activation::Kind) { return true; },
                                     .fuses_pooling = [](const FusedLayer&, const Pooling&) { return false; }};
  const Shape input{static_cast<int>(2 * branch_size(model.spec)), 1, 1};
  DecisionHead head;
  for (const FusedLayer& group : fuse_layers({&model, "decision", decision}, 0, input, every_activation)) {
    if (!group.is_product) {
      throw InvalidArgument(fmt::format("network {}: decision layer {} ({}) does not follow a fully connected layer",
                                        model.spec.name, group.end - 1, describe(*group.layer)));
    }
    if (head.layers.empty()) head.rest = group.end;
    head.layers.push_back({group.weight, group.bias, group.input.size(), group.layer_output.size(), group.activation});
  }
  return head;
}

}  // namespace twinpatch
