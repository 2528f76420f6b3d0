// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "twinpatch/net/model.hpp"

namespace twinpatch::train {

/// Weights to start from: N(0, 2/fan) before a ReLU (convolutions by their outputs, as the originals' script; linear
/// layers by their inputs), N(0, 1/fan-in) before anything else, biases 0, subsamplings 1, batch statistics 0 and 1.
[[nodiscard]] Model initial_model(const NetworkSpec& spec, std::uint64_t seed);

/// Fills `model` with the weights of `other` that fit, and says how many did: the same shape at the same place among
/// the layers with weights of its stream. A shared tower fills both towers of a pseudo-siamese network, the left one
/// fills a shared tower.
std::size_t take_weights(Model& model, const Model& other);

}  // namespace twinpatch::train
