// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "twinpatch/formats/onnx.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::net {

/// What a node puts out: [N, channels, height, width], or [N, values] where `flat`.
struct OnnxFlow {
  std::string name;
  Shape shape;
  bool flat = false;
};

/// Adds nodes to a graph one by one and names their outputs.
class OnnxGraph {
 public:
  /// A node of one output, whose name is returned.
  std::string add(const std::string& operation, std::vector<std::string> inputs,
                  std::map<std::string, OnnxAttribute> attributes = {});
  /// A constant under a name of its own; the same values may be there more than once.
  std::string constant(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values);
  std::string integers(const std::vector<std::int64_t>& values);
  /// One number, for arithmetic with anything.
  std::string number(double value);
  /// Rows and columns [top, top + size.height) and so on.
  OnnxFlow window(const OnnxFlow& input, Extent top_left, Extent size);
  OnnxFlow flattened(const OnnxFlow& input);
  [[nodiscard]] OnnxModel& model() { return model_; }

 private:
  OnnxModel model_;
  std::map<std::string, int> counts_;  // of nodes by operation
  std::map<std::vector<std::int64_t>, std::string> integers_;
};

/// One layer of a network; its weights are under `prefix`. No batch normalisation: fold first.
[[nodiscard]] OnnxFlow add_layer(OnnxGraph& graph, const Layer& layer, const OnnxFlow& input, const Model& model,
                                 const std::string& prefix);

}  // namespace twinpatch::net
