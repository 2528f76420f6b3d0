// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/layer_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "library/convolution.hpp"
#include "library/matrix_product.hpp"
#include "plan/kernel_rules.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {

std::span<const float> DeviceWeights::values(const std::string& name, std::int64_t size) const {
  const auto found = model_->weights.find(name);
  if (found == model_->weights.end()) throw ShapeError(fmt::format("model has no tensor {}", name));
  const auto& values = found->second.values;
  if (std::ssize(values) != size) {
    throw ShapeError(fmt::format("tensor {} has {} values, expected {}", name, values.size(), size));
  }
  return values;
}

const void* DeviceWeights::packed(const std::string& name, const std::function<std::vector<std::byte>()>& make) {
  const auto found = packed_.find(name);
  if (found != packed_.end()) return found->second.data();
  const std::vector<std::byte> bytes = make();
  HeldBuffer<std::byte> buffer(device_, std::ssize(bytes));
  copy_to_device<std::byte>(bytes, buffer.view(), device_->stream());
  device_->finish();  // `bytes` ends here
  return packed_.emplace(name, std::move(buffer)).first->second.data();
}

const float* DeviceWeights::floats(const std::string& name, std::span<const float> values) {
  return static_cast<const float*>(packed(name, [&] { return pack(values, NumberType::fp32); }));
}

std::vector<float> columns_channels_last(std::span<const float> matrix, std::int64_t rows, Shape shape) {
  const auto pixels = std::int64_t{shape.height} * shape.width;
  std::vector<float> result(matrix.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const from = matrix.data() + row * shape.size();
    float* const to = result.data() + row * shape.size();
    for (std::int64_t c = 0; c < shape.channels; ++c) {
      for (std::int64_t i = 0; i < pixels; ++i) to[i * shape.channels + c] = from[c * pixels + i];
    }
  }
  return result;
}

namespace {

kernels::MapShape map_shape(Shape shape) { return {shape.height, shape.width, shape.channels}; }

/// The default of the library, and more where a batch is large.
constexpr std::int64_t kWorkspaceLimit = std::int64_t{64} << 20;

}  // namespace

/// Goes through the layers once and appends steps; a layer may take those after it along.
struct LayerPlan::Planner {
  LayerPlan& plan;
  std::span<const Layer> layers;
  std::string prefix;
  DeviceWeights& weights;
  std::size_t index;  ///< the layer to plan next
  Shape shape;        ///< its input
  NumberType type;    ///< and its values'

  void plan_all() {
    while (index < layers.size()) {
      const auto& layer = layers[index];
      std::visit([&](const auto& kind) { add(kind, output_shape(layer, shape)); }, layer);
    }
  }

  [[nodiscard]] std::string name(const char* field) const { return fmt::format("{}.{}.{}", prefix, index, field); }

  [[nodiscard]] std::int64_t map_bytes(Shape of, NumberType in) const { return plan.batch_ * of.size() * size_of(in); }

  void append(Step step, Shape output, NumberType output_type, std::size_t layers_taken) {
    plan.bytes_ += map_bytes(shape, type) + map_bytes(output, output_type);
    if (!step.in_place) {
      auto& buffer = placed % 2 == 0 ? plan.needs_.ping : plan.needs_.pong;
      buffer = std::max(buffer, map_bytes(output, output_type));
      ++placed;
    }
    plan.needs_.scratch = std::max(plan.needs_.scratch, step.scratch);
    plan.steps_.push_back(std::move(step));
    shape = output;
    type = output_type;
    index += layers_taken;
  }

  [[nodiscard]] const Activation* activation_at(std::size_t layer) const {
    return layer < layers.size() ? std::get_if<Activation>(&layers[layer]) : nullptr;
  }
  [[nodiscard]] bool relu_at(std::size_t layer) const {
    const auto* const activation = activation_at(layer);
    return activation != nullptr && activation->kind == Activation::Kind::relu;
  }
  /// Nothing but activations from that layer on.
  [[nodiscard]] bool last_before(std::size_t layer) const {
    for (; layer < layers.size(); ++layer) {
      if (activation_at(layer) == nullptr) return false;
    }
    return true;
  }

  void add(const Convolution& layer, Shape output) {
    const auto count = std::int64_t{layer.out} * layer.in * layer.kernel.height * layer.kernel.width;
    const auto filter = weights.values(name("weight"), count);
    if (layer.padding == Extent{} && layer.kernel == Extent{shape.height, shape.width}) {
      add_product(filter, layer.bias ? weights.values(name("bias"), layer.out) : std::span<const float>{}, layer.out,
                  output);
      return;
    }
    const bool relu = relu_at(index + 1);
    ConvolutionRequest request{.batch = plan.batch_, .input = shape, .layer = layer, .relu = relu, .pooling = {}};
    request.precision = plan.device_->options.precision;
    request.exact = plan.device_->options.exact_convolutions;
    request.workspace_limit = kWorkspaceLimit;
    std::size_t taken = relu ? 2 : 1;
    if (const auto* pooling = index + taken < layers.size() ? std::get_if<Pooling>(&layers[index + taken]) : nullptr;
        relu && plan.batch_ >= kTunedBatch && pooling != nullptr && pooling->kind == Pooling::Kind::max &&
        pooling->window.height <= 32 && pooling->window.width <= 32) {
      request.pooling = *pooling;
      output = output_shape(layers[index + taken], output);
      ++taken;
    }
    const void* const packed_filter =
        weights.packed(name("filter"), [&] { return pack_filter(layer, filter, plan.device_->type); });
    const void* const bias =
        layer.bias ? weights.packed(name("bias"),
                                    [&] { return pack(weights.values(name("bias"), layer.out), plan.device_->type); })
                   : nullptr;
    const auto convolution = std::make_shared<ConvolutionPlan>(plan.device_->libraries, request);
    plan.operations_ += 2.0 * static_cast<double>(plan.batch_) * static_cast<double>(count) *
                        static_cast<double>(request.convolved().height) * request.convolved().width;
    append({.name = [=] { return convolution->description(); },
            .scratch = convolution->workspace_bytes(),
            .run = [=](cudaStream_t stream, const void* in, void* out,
                       void* scratch) { convolution->run(stream, in, packed_filter, bias, out, scratch); },
            .tune = [=](cudaStream_t stream, const void* in, void* out,
                        void* scratch) { convolution->tune(stream, in, packed_filter, bias, out, scratch); }},
           output, plan.device_->type, taken);
  }

  /// A layer that sees the whole map: weight [out, channels · height · width].
  void add_product(std::span<const float> weight, std::span<const float> bias, int out, Shape output) {
    const bool relu = relu_at(index + 1);
    const std::size_t taken = relu ? 2 : 1;
    MatrixProductRequest request{.rows = plan.batch_, .inner = shape.size(), .columns = out, .right_transposed = true};
    request.bias = !bias.empty();
    request.relu = relu;
    request.precision = plan.device_->options.precision;
    request.out = last_before(index + taken) ? NumberType::fp32 : plan.device_->type;
    request.alignment = alignment(request);
    const void* const matrix = weights.packed(
        name("matrix"), [&] { return pack(columns_channels_last(weight, out, shape), plan.device_->type); });
    const void* const packed_bias =
        bias.empty() ? nullptr : weights.packed(name("product_bias"), [&] { return pack(bias, request.out); });
    const auto product = std::make_shared<MatrixProduct>(plan.device_->libraries, request);
    plan.operations_ += 2.0 * static_cast<double>(plan.batch_) * static_cast<double>(weight.size());
    append({.name =
                [=] {
                  return fmt::format("product {} x {} x {}{}", request.rows, request.inner, out, relu ? " + relu" : "");
                },
            .scratch = product->workspace_bytes(),
            .run = [=](cudaStream_t stream, const void* in, void* result,
                       void* scratch) { product->run(stream, in, matrix, packed_bias, result, scratch); }},
           output, request.out, taken);
  }

  /// What rows of all three matrices are multiples of, in bytes; buffers begin at multiples of 256.
  [[nodiscard]] static int alignment(const MatrixProductRequest& request) {
    const std::int64_t left = request.inner * size_of(storage_of(request.precision));
    const std::int64_t out = request.columns * size_of(request.out);
    int result = 16;
    while (result > 2 && (left % result != 0 || out % result != 0)) result /= 2;
    return std::max(result, static_cast<int>(size_of(storage_of(request.precision))));
  }

  void add(const BatchNormalisation& /*layer*/, Shape /*output*/) {
    throw InvalidArgument("batch normalisations must be folded before a network is planned");
  }

  void add(const Pooling& layer, Shape output) {
    const kernels::PoolRule rule{.average = layer.kind == Pooling::Kind::average,
                                 .window_height = layer.window.height,
                                 .window_width = layer.window.width,
                                 .stride_height = layer.stride.height,
                                 .stride_width = layer.stride.width};
    add_pool(rule, output);
  }

  void add(const Subsampling& layer, Shape output) {
    const kernels::PoolRule rule{.average = true,
                                 .window_height = layer.window.height,
                                 .window_width = layer.window.width,
                                 .stride_height = layer.window.height,
                                 .stride_width = layer.window.width,
                                 .gain = weights.floats(name("gain"), weights.values(name("weight"), layer.channels)),
                                 .bias = weights.floats(name("offset"), weights.values(name("bias"), layer.channels))};
    add_pool(rule, output);
  }

  void add_pool(const kernels::PoolRule& rule, Shape output) {
    append({.name = [] { return "pool"; },
            .run = [rule, type = type, batch = plan.batch_, from = map_shape(shape), to = map_shape(output)](
                       cudaStream_t stream, const void* in, void* out,
                       void* /*scratch*/) { kernels::pool(stream, type, in, batch, from, rule, to, out); }},
           output, type, 1);
  }

  void add(const SpatialPyramid& layer, Shape output) {
    append({.name = [] { return "spatial pyramid"; },
            .run =
                [levels = layer.levels, type = type, batch = plan.batch_, from = map_shape(shape),
                 stride = output.size()](cudaStream_t stream, const void* in, void* out, void* /*scratch*/) {
                  auto* to = static_cast<std::byte*>(out);
                  for (const int level : levels) {
                    kernels::pyramid_level(stream, type, in, batch, from, level, to, stride);
                    to += std::int64_t{level} * level * from.channels * size_of(type);
                  }
                }},
           output, type, 1);
  }

  void add(const Linear& layer, Shape output) {
    add_product(weights.values(name("weight"), std::int64_t{layer.out} * layer.in),
                weights.values(name("bias"), layer.out), layer.out, output);
  }

  void add(const Activation& layer, Shape output) {
    const kernels::Squash kind = squash_of(layer.kind);
    append({.name = [kind = layer.kind] { return kind == Activation::Kind::relu ? "relu" : "tanh"; },
            .in_place = true,
            .run = [kind, type = type, size = plan.batch_ * shape.size()](
                       cudaStream_t stream, const void* /*in*/, void* out,
                       void* /*scratch*/) { kernels::squash(stream, type, kind, out, size); }},
           output, type, 1);
  }

  std::size_t placed = 0;  ///< steps that write another buffer
};

LayerPlan::LayerPlan(std::span<const Layer> layers, std::size_t first, Shape input, const std::string& prefix,
                     DeviceWeights& weights, std::int64_t batch)
    : device_(weights.device()), batch_(batch), input_(input), output_type_(device_->type) {
  Planner planner{*this, layers, prefix, weights, first, input, device_->type};
  planner.plan_all();
  output_ = planner.shape;
  output_type_ = planner.type;
}

template <class Visit>
const void* LayerPlan::walk(void* in, Workspace& workspace, const Visit& visit) const {
  void* out = workspace.ping.data();
  void* next = workspace.pong.data();
  for (const Step& step : steps_) {
    if (step.in_place) {
      visit(step, in, in);
      continue;
    }
    visit(step, in, out);
    in = out;
    std::swap(out, next);
  }
  return in;
}

const void* LayerPlan::run(void* in, Workspace& workspace) const {
  return walk(in, workspace, [&](const Step& step, const void* from, void* to) {
    step.run(device_->stream(), from, to, workspace.scratch.data());
  });
}

void LayerPlan::tune(void* in, Workspace& workspace) {
  (void)walk(in, workspace, [&](const Step& step, const void* from, void* to) {
    if (step.tune) step.tune(device_->stream(), from, to, workspace.scratch.data());
  });
}

std::string LayerPlan::describe() const {
  std::string text;
  for (const Step& step : steps_) text += (text.empty() ? "" : "; ") + step.name();
  return text;
}

Workspace make_workspace(const std::shared_ptr<Device>& device, std::span<const LayerPlan> plans) {
  LayerPlan::Needs needs;
  for (const LayerPlan& plan : plans) {
    needs.ping = std::max(needs.ping, plan.needs().ping);
    needs.pong = std::max(needs.pong, plan.needs().pong);
    needs.scratch = std::max(needs.scratch, plan.needs().scratch);
  }
  return {HeldBuffer<std::byte>(device, needs.ping), HeldBuffer<std::byte>(device, needs.pong),
          HeldBuffer<std::byte>(device, needs.scratch)};
}

}  // namespace twinpatch::cuda
