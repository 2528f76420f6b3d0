// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/cudnn_graph.hpp"

#include <fmt/format.h>

#include <array>

namespace twinpatch::cuda {
namespace {

cudnnDataType_t data_type(NumberType type) {
  switch (type) {
    case NumberType::fp32:
      return CUDNN_DATA_FLOAT;
    case NumberType::fp16:
      return CUDNN_DATA_HALF;
    case NumberType::bf16:
      return CUDNN_DATA_BFLOAT16;
  }
  throw InvalidArgument("unknown number type");
}

/// A tensor of a number and a shape, whose channels are innermost.
Descriptor make_tensor(std::int64_t id, std::int64_t n, Shape shape, cudnnDataType_t type, bool intermediate = false) {
  const std::int64_t c = shape.channels;
  const std::int64_t h = shape.height;
  const std::int64_t w = shape.width;
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
  tensor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, {n, c, h, w});
  tensor.set(CUDNN_ATTR_TENSOR_STRIDES, {h * w * c, std::int64_t{1}, w * c, c});
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16});
  tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, intermediate);
  tensor.finalize();
  return tensor;
}

/// Builds the operations of a graph one after the other; each reads what the one before wrote.
class GraphBuilder {
 public:
  GraphBuilder(const ConvolutionRequest& request, Parts parts)
      : request_(request), left_(parts), type_(data_type(storage_of(request.precision))) {
    const bool first = (parts & kConvolve) != 0;
    const Shape in = first ? request.input : request.convolved();
    current_ = keep(make_tensor(kIn, request.batch, in, type_));
  }

  void convolve() {
    const auto& layer = request_.layer;
    const Shape window{layer.in, layer.kernel.height, layer.kernel.width};
    const std::size_t filter = keep(make_tensor(kFilter, layer.out, window, type_));
    const std::size_t out = next(kConvolve, request_.convolved());
    Descriptor rule(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    rule.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
    rule.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    rule.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    const std::array<std::int64_t, 2> padding = {layer.padding.height, layer.padding.width};
    rule.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::span<const std::int64_t>(padding));
    rule.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::span<const std::int64_t>(padding));
    rule.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, {std::int64_t{1}, std::int64_t{1}});
    rule.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES,
             {std::int64_t{layer.stride.height}, std::int64_t{layer.stride.width}});
    rule.finalize();
    Descriptor operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, rule);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, kept_[current_]);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kept_[filter]);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, kept_[out]);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0F);
    operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0F);
    add(std::move(rule), std::move(operation), out);
  }

  void bias() {
    const std::size_t values = keep(make_tensor(kBiasValues, 1, Shape{request_.layer.out, 1, 1}, type_));
    const std::size_t out = next(kBias, request_.convolved());
    Descriptor rule = pointwise(CUDNN_POINTWISE_ADD);
    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, rule);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, kept_[current_]);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, kept_[values]);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, kept_[out]);
    add(std::move(rule), std::move(operation), out);
  }

  void relu() {
    const std::size_t out = next(kRelu, request_.convolved());
    Descriptor rule = pointwise(CUDNN_POINTWISE_RELU_FWD);
    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, rule);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, kept_[current_]);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, kept_[out]);
    add(std::move(rule), std::move(operation), out);
  }

  void pool() {
    const Pooling& pool = request_.pooling.value();
    const Shape from = request_.convolved();
    const Shape to = request_.output();
    const std::size_t out = next(kPool, to);
    // Rounding up: the last window reaches beyond the border, where the padding is −infinity.
    const auto beyond = [](int size, int windows, int stride, int window) {
      return std::max<std::int64_t>(0, std::int64_t{windows - 1} * stride + window - size);
    };
    const auto whole = [](std::int64_t value) { return cudnnFraction_t{value, 1}; };
    Descriptor rule(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
    rule.set(CUDNN_ATTR_RESAMPLE_MODE, CUDNN_RESAMPLE_MAXPOOL);
    rule.set(CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_DATA_FLOAT);
    rule.set(CUDNN_ATTR_RESAMPLE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN);
    rule.set(CUDNN_ATTR_RESAMPLE_PADDING_MODE, CUDNN_NEG_INF_PAD);
    rule.set(CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS, std::int64_t{2});
    rule.set(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, {whole(pool.window.height), whole(pool.window.width)});
    rule.set(CUDNN_ATTR_RESAMPLE_STRIDES, {whole(pool.stride.height), whole(pool.stride.width)});
    rule.set(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, {whole(0), whole(0)});
    rule.set(CUDNN_ATTR_RESAMPLE_POST_PADDINGS,
             {whole(beyond(from.height, to.height, pool.stride.height, pool.window.height)),
              whole(beyond(from.width, to.width, pool.stride.width, pool.window.width))});
    rule.finalize();
    Descriptor operation(CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC, rule);
    operation.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC, kept_[current_]);
    operation.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC, kept_[out]);
    operation.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_ALPHA, 1.0);
    operation.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_BETA, 0.0);
    add(std::move(rule), std::move(operation), out);
  }

  Descriptor finish(const CudnnTarget& target) {
    std::vector<cudnnBackendDescriptor_t> operations;
    for (const Descriptor& operation : operations_) operations.push_back(operation.get());
    Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::span<const cudnnBackendDescriptor_t>(operations));
    if (target.handle != nullptr) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, target.handle);
    graph.finalize();
    return graph;
  }

 private:
  std::size_t keep(Descriptor descriptor) {
    kept_.push_back(std::move(descriptor));
    return kept_.size() - 1;
  }

  /// The tensor a part writes: the graph's output if it is the last one, else one that never leaves the chip.
  std::size_t next(Part part, Shape shape) {
    left_ &= ~static_cast<unsigned>(part);
    const bool last = left_ == 0;
    return keep(make_tensor(last ? std::int64_t{kOut} : std::int64_t{100} + part, request_.batch, shape,
                            last ? type_ : CUDNN_DATA_FLOAT, !last));
  }

  static Descriptor pointwise(cudnnPointwiseMode_t mode) {
    Descriptor rule(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    rule.set(CUDNN_ATTR_POINTWISE_MODE, mode);
    rule.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    rule.finalize();
    return rule;
  }

  void add(Descriptor rule, Descriptor operation, std::size_t out) {
    operation.finalize();
    keep(std::move(rule));
    operations_.push_back(std::move(operation));
    current_ = out;
  }

  const ConvolutionRequest& request_;
  Parts left_;
  cudnnDataType_t type_;
  std::vector<Descriptor> kept_;  // tensors and rules: the operations refer to them
  std::vector<Descriptor> operations_;
  std::size_t current_ = 0;  // index of the tensor written last
};

}  // namespace

Descriptor make_graph(const CudnnTarget& target, const ConvolutionRequest& request, Parts parts) {
  GraphBuilder builder(request, parts);
  if ((parts & kConvolve) != 0) builder.convolve();
  if ((parts & kBias) != 0) builder.bias();
  if ((parts & kRelu) != 0) builder.relu();
  if ((parts & kPool) != 0) builder.pool();
  return builder.finish(target);
}

std::string to_text(Parts parts) {
  std::string text;
  const auto add = [&](Part part, const char* name) {
    if ((parts & part) != 0) text += (text.empty() ? "" : "+") + std::string(name);
  };
  add(kConvolve, "conv");
  add(kBias, "bias");
  add(kRelu, "relu");
  add(kPool, "pool");
  return text;
}

}  // namespace twinpatch::cuda
