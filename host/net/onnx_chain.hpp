// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "twinpatch/formats/onnx.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::net {

/// A weight of a layer in an ONNX graph.
struct OnnxWeight {
  std::string constant;  ///< its name in the graph; empty: no bias there
  Tensor tensor;
};

/// An ONNX graph that is one layer after the other.
struct OnnxChain {
  std::vector<Layer> layers;
  std::vector<std::map<std::string, OnnxWeight>> weights;  ///< of each layer, by field
  bool unit = false;                                       ///< ends in an L2 normalisation
};

/// The graph's layers for an input of this shape. Throws FormatError naming the node of any other operator, of a value
/// that our layers do not have, or that does not go on from the node before.
[[nodiscard]] OnnxChain read_onnx_chain(const OnnxModel& graph, Shape input, const std::string& path);

}  // namespace twinpatch::net
