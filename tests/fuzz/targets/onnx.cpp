// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/formats/onnx.hpp"

#include "fuzz/fuzz.hpp"
#include "twinpatch/net/foreign_weights.hpp"

namespace twinpatch::fuzz {

// What reads back after writing must be the same; and as the weights of a small network.
void run_target(Bytes bytes) {
  OnnxModel model;
  if (refused([&] { model = parse_onnx(bytes, "x"); })) return;
  const auto written = serialize_onnx(model);
  require(serialize_onnx(parse_onnx(written, "y")) == written, "a graph that does not come back");
  NetworkSpec spec;
  spec.name = "small";
  spec.input = Extent{4, 4};
  spec.streams = {{{}, {Convolution{.in = 1, .out = 2, .kernel = {3, 3}}, Activation{}, Linear{8, 2}}}};
  spec.decision = DecisionMetric{};
  refused([&] { check(import_weights(bytes, "x", spec).model); });
}

}  // namespace twinpatch::fuzz
