// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "net/byte_writer.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::test {

/// Writes what Torch7's serialiser would.
class Torch7Writer : public ByteWriter {
 public:
  void number(double value) { i32(1).add(value); }
  void string(const char* value) { i32(2).text(value); }
  void table(std::int64_t entries) { i32(3).i32(++reference_).i32(entries); }
  void object(const char* name) { i32(4).i32(++reference_).text("V 1").text(name); }
  void field(const char* key, double value) {
    string(key);
    number(value);
  }
  void flag(const char* key, bool value) {
    string(key);
    i32(5).i32(value ? 1 : 0);
  }
  void tensor(const std::vector<std::int64_t>& sizes, const std::vector<float>& values, bool wide) {
    object(wide ? "torch.DoubleTensor" : "torch.FloatTensor");
    i32(static_cast<std::int64_t>(sizes.size()));
    for (const std::int64_t size : sizes) i64(size);
    auto stride = static_cast<std::int64_t>(values.size());
    for (const std::int64_t size : sizes) i64(stride /= size);
    i64(3);  // two values before it
    object(wide ? "torch.DoubleStorage" : "torch.FloatStorage");
    i64(static_cast<std::int64_t>(values.size()) + 2);
    const auto value = [&](float v) { wide ? add(double{v}) : add(v); };
    value(-1);
    value(-2);
    std::for_each(values.begin(), values.end(), value);
  }

 private:
  std::int32_t reference_ = 0;
};

inline void write_weights(Torch7Writer& writer, const Model& model, const std::string& prefix, bool wide) {
  for (const char* field : {"weight", "bias"}) {
    const Tensor& tensor = model.weights.at(prefix + field);
    writer.string(field);
    writer.tensor(tensor.shape, tensor.values, wide);
  }
}

inline void write_layer(Torch7Writer& writer, const Layer& layer, const Model& model, const std::string& prefix,
                        bool wide) {
  if (const auto* convolution = std::get_if<Convolution>(&layer)) {
    writer.object("nn.SpatialConvolution");
    writer.table(8);
    writer.field("nInputPlane", convolution->in);
    writer.field("nOutputPlane", convolution->out);
    writer.field("kH", convolution->kernel.height);
    writer.field("kW", convolution->kernel.width);
    writer.field("dH", convolution->stride.height);
    writer.field("dW", convolution->stride.width);
    write_weights(writer, model, prefix, wide);
  } else if (const auto* pooling = std::get_if<Pooling>(&layer)) {
    writer.object("nn.SpatialMaxPooling");
    writer.table(5);
    writer.field("kH", 2);
    writer.field("kW", 2);
    writer.field("dH", 2);
    writer.field("dW", 2);
    writer.flag("ceil_mode", pooling->ceil);
  } else if (std::holds_alternative<Linear>(layer)) {
    writer.object("nn.Linear");
    writer.table(2);
    write_weights(writer, model, prefix, wide);
  } else {
    writer.object("nn.ReLU");
    writer.table(0);
  }
}

/// A 2-channel network of one stream as Torch7 would have saved it.
inline std::vector<std::byte> as_t7(const Model& model, bool wide = false) {
  const auto& layers = model.spec.streams[0].layers;
  const auto& decision = std::get<DecisionLayers>(model.spec.decision).layers;
  Torch7Writer writer;
  writer.object("nn.Sequential");
  writer.table(1);
  writer.string("modules");
  writer.table(static_cast<std::int64_t>(layers.size() + decision.size() + 1));
  double index = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    writer.number(++index);
    write_layer(writer, layers[i], model, branch_prefix(model.spec, false, 0, i), wide);
  }
  writer.number(++index);
  writer.object("nn.View");
  writer.table(0);
  for (std::size_t i = 0; i < decision.size(); ++i) {
    writer.number(++index);
    write_layer(writer, decision[i], model, decision_prefix(i), wide);
  }
  return writer.bytes();
}

}  // namespace twinpatch::test
