// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "twinpatch/net/foreign_weights.hpp"

namespace twinpatch::net {

/// The weights of an ONNX graph whose layers, one after the other, are those of the network's stream; where the graph
/// has batch normalisations folded, so has the model. Of siamese networks with one stream over the whole patch and a
/// metric. Throws FormatError with the node of any other operator, ShapeError for other layers.
[[nodiscard]] ForeignModel import_onnx(std::span<const std::byte> bytes, const std::string& path,
                                       const NetworkSpec& spec);

}  // namespace twinpatch::net
