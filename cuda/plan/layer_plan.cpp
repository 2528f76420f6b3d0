// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/layer_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "library/convolution.hpp"
#include "library/matrix_product.hpp"
#include "plan/kernel_rules.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/fused_layers.hpp"

namespace twinpatch::cuda {

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

namespace {

kernels::MapShape map_shape(Shape shape) { return {shape.height, shape.width, shape.channels}; }

/// The default of the library, and more where a batch is large.
constexpr std::int64_t kWorkspaceLimit = std::int64_t{64} << 20;

/// What is computed in one pass: ReLU with what goes before it, and then pooling where batches are tuned.
FusionRules fusion_rules(std::int64_t batch) {
  return {.fuses_activation = [](const FusedLayer& /*group*/,
                                 Activation::Kind kind) { return kind == Activation::Kind::relu; },
          .fuses_pooling =
              [batch](const FusedLayer& group, const Pooling& pooling) {
                return group.activation && batch >= kTunedBatch && pooling.kind == Pooling::Kind::max &&
                       pooling.window.height <= 32 && pooling.window.width <= 32;
              }};
}

}  // namespace

/// Goes through the groups of layers once and appends their steps.
struct LayerPlan::Planner {
  LayerPlan& plan;
  std::span<const Layer> layers;
  DeviceWeights& weights;
  NumberType type;  ///< of the values that come next

  [[nodiscard]] std::int64_t map_bytes(Shape of, NumberType in) const { return plan.batch_ * of.size() * size_of(in); }

  void append(const FusedLayer& group, Step step, NumberType output_type) {
    plan.bytes_ += map_bytes(group.input, type) + map_bytes(group.output, output_type);
    if (!step.in_place) {
      auto& buffer = placed % 2 == 0 ? plan.needs_.ping : plan.needs_.pong;
      buffer = std::max(buffer, map_bytes(group.output, output_type));
      ++placed;
    }
    plan.needs_.scratch = std::max(plan.needs_.scratch, step.scratch);
    plan.steps_.push_back(std::move(step));
    type = output_type;
  }

  /// Nothing but activations after that group.
  [[nodiscard]] bool is_last_product(const FusedLayer& group) const {
    const auto rest = layers.subspan(group.end);
    return std::all_of(rest.begin(), rest.end(),
                       [](const Layer& layer) { return std::holds_alternative<Activation>(layer); });
  }

  [[nodiscard]] const void* packed(const FusedLayer& group, const char* what, std::span<const float> values,
                                   NumberType as) const {
    return values.empty() ? nullptr : weights.packed(group.name + what, [&] { return pack(values, as); });
  }

  void add(const FusedLayer& group, const Convolution& layer) {
    if (group.is_product) return add_product(group);
    ConvolutionRequest request{.batch = plan.batch_,
                               .input = group.input,
                               .layer = layer,
                               .relu = group.activation.has_value(),
                               .pooling = group.pooling};
    request.precision = plan.device_->options.precision;
    request.exact = plan.device_->options.exact_convolutions;
    request.workspace_limit = kWorkspaceLimit;
    const void* const filter =
        weights.packed(group.name + "filter", [&] { return pack_filter(layer, group.weight, plan.device_->type); });
    const void* const bias = packed(group, "bias", group.bias, plan.device_->type);
    const auto convolution = std::make_shared<ConvolutionPlan>(plan.device_->libraries, request);
    plan.operations_ += 2.0 * static_cast<double>(plan.batch_) * static_cast<double>(group.weight.size()) *
                        static_cast<double>(request.convolved().height) * request.convolved().width;
    append(group,
           {.name = [=] { return convolution->description(); },
            .scratch = convolution->workspace_bytes(),
            .run =
                [=](cudaStream_t stream, const void* in, void* out, void* scratch) {
                  convolution->run(stream, {in, filter, bias, out, scratch});
                },
            .tune =
                [=](cudaStream_t stream, const void* in, void* out, void* scratch) {
                  convolution->tune(stream, {in, filter, bias, out, scratch});
                }},
           plan.device_->type);
  }

  /// A layer that sees the whole map.
  void add_product(const FusedLayer& group) {
    const bool relu = group.activation.has_value();
    MatrixProductRequest request{.rows = plan.batch_,
                                 .inner = group.input.size(),
                                 .columns = group.layer_output.size(),
                                 .right_transposed = true};
    request.bias = !group.bias.empty();
    request.relu = relu;
    request.precision = plan.device_->options.precision;
    request.out = is_last_product(group) ? NumberType::fp32 : plan.device_->type;
    const void* const matrix = weights.packed(group.name + "matrix", [&] {
      return pack(columns_channels_last(group.weight, group.input), plan.device_->type);
    });
    const void* const bias = packed(group, "product_bias", group.bias, request.out);
    const auto product = std::make_shared<MatrixProduct>(plan.device_->libraries, request);
    plan.operations_ += 2.0 * static_cast<double>(plan.batch_) * static_cast<double>(group.weight.size());
    append(group,
           {.name =
                [=] {
                  return fmt::format("product {} x {} x {}{}", request.rows, request.inner, request.columns,
                                     relu ? " + relu" : "");
                },
            .scratch = product->workspace_bytes(),
            .run =
                [=](cudaStream_t stream, const void* in, void* result, void* scratch) {
                  product->run(stream, {in, matrix, bias, result, scratch});
                }},
           request.out);
  }

  void add(const FusedLayer& group, const Linear& /*layer*/) { add_product(group); }
  /// fuse_layers() refuses it.
  void add(const FusedLayer& /*group*/, const BatchNormalisation& /*layer*/) {}

  void add(const FusedLayer& group, const Pooling& layer) {
    add_pool(group, {.average = layer.kind == Pooling::Kind::average,
                     .window_height = layer.window.height,
                     .window_width = layer.window.width,
                     .stride_height = layer.stride.height,
                     .stride_width = layer.stride.width});
  }

  void add(const FusedLayer& group, const Subsampling& layer) {
    add_pool(group, {.average = true,
                     .window_height = layer.window.height,
                     .window_width = layer.window.width,
                     .stride_height = layer.window.height,
                     .stride_width = layer.window.width,
                     .gain = weights.floats(group.name + "gain", group.weight),
                     .bias = weights.floats(group.name + "offset", group.bias)});
  }

  void add_pool(const FusedLayer& group, const kernels::PoolRule& rule) {
    append(group,
           {.name = [] { return "pool"; },
            .run =
                [rule, type = type, batch = plan.batch_, from = map_shape(group.input), to = map_shape(group.output)](
                    cudaStream_t stream, const void* in, void* out, void* /*scratch*/) {
                  kernels::pool(stream, {type, in, batch, from}, rule, to, out);
                }},
           type);
  }

  void add(const FusedLayer& group, const SpatialPyramid& layer) {
    append(group,
           {.name = [] { return "spatial pyramid"; },
            .run =
                [levels = layer.levels, type = type, batch = plan.batch_, from = map_shape(group.input),
                 stride = group.output.size()](cudaStream_t stream, const void* in, void* out, void* /*scratch*/) {
                  auto* to = static_cast<std::byte*>(out);
                  for (const int level : levels) {
                    kernels::pyramid_level(stream, {type, in, batch, from}, level, to, stride);
                    to += std::int64_t{level} * level * from.channels * size_of(type);
                  }
                }},
           type);
  }

  void add(const FusedLayer& group, const Activation& layer) {
    const kernels::ActivationKind kind = activation_of(layer.kind);
    append(group,
           {.name = [kind = layer.kind] { return kind == Activation::Kind::relu ? "relu" : "tanh"; },
            .in_place = true,
            .run = [kind, type = type, size = plan.batch_ * group.input.size()](
                       cudaStream_t stream, const void* /*in*/, void* out,
                       void* /*scratch*/) { kernels::activate(stream, type, kind, out, size); }},
           type);
  }

  std::size_t placed = 0;  ///< steps that write another buffer
};

LayerPlan::LayerPlan(DeviceWeights& weights, const LayerList& list, std::size_t first, Shape input, std::int64_t batch)
    : device_(weights.device()), batch_(batch), input_(input), output_(input), output_type_(device_->type) {
  Planner planner{*this, list.layers, weights, device_->type};
  for (const FusedLayer& group : fuse_layers(list, first, input, fusion_rules(batch))) {
    std::visit([&](const auto& layer) { planner.add(group, layer); }, *group.layer);
    output_ = group.output;
  }
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
    const auto& work = step.tune ? step.tune : step.run;  // what follows is tuned on its results
    work(device_->stream(), from, to, workspace.scratch.data());
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
