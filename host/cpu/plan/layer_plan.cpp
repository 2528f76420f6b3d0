// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/layer_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "plan/dnnl_steps.hpp"
#include "plan/own_steps.hpp"
#include "plan/paired_product_step.hpp"
#include "plan/stem_step.hpp"
#include "plan/winograd_step.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {

namespace {

bool is_relu(ActivationKind activation) { return activation == Activation::Kind::relu; }

const float* data_or_null(std::span<const float> values) { return values.empty() ? nullptr : values.data(); }

struct Items {
  int worker;
  std::int64_t batch;
};

/// One step after the other; returns where the last one's output is.
const float* run_steps(std::span<const std::unique_ptr<Step>> steps, Items items, const float* in,
                       Workspace& workspace) {
  float* out = workspace.ping.data();
  float* next = workspace.pong.data();
  for (const auto& step : steps) {
    step->run(items.worker, items.batch, in, out, workspace.scratch.data());
    in = out;
    std::swap(out, next);
  }
  return in;
}

}  // namespace

/// Lowers a list of layers: appends the steps of one group after the other.
struct LayerPlan::Planner {
  LayerPlan& plan;
  const LayerList& list;
  std::size_t first;
  const PlanOptions& options;
  ActivationRanges ranges;  ///< of the model, for int8
  bool has_product = false;

  /// oneDNN takes every activation; kernels of our own, where there are some for the layer, ReLU and pooling by two.
  [[nodiscard]] FusionRules rules() const {
    return {.fuses_activation = [](const FusedLayer&, Activation::Kind) { return true; },
            .fuses_pooling =
                [this](const FusedLayer& group, const Pooling& pooling) {
                  const auto& layer = std::get<Convolution>(*group.layer);
                  return pooling == Pooling{} && is_relu(group.activation) &&
                         (takes_stem(layer, group, true) || takes_winograd(layer, group));
                }};
  }

  /// Only the first step reads planes.
  [[nodiscard]] bool takes_stem(const Convolution& layer, const FusedLayer& group, bool pool) const {
    return group.layer == &list.layers[first] && stem_fits(layer, group.layer_output, pool);
  }
  [[nodiscard]] bool takes_winograd(const Convolution& layer, const FusedLayer& group) const {
    return !options.exact_convolutions && winograd_fits(layer, group.layer_output) &&
           !beats_winograd(numbers(group).precision, layer);
  }
  /// The first layer sees the grey levels.
  [[nodiscard]] bool stays_fp32(const FusedLayer& group) const { return group.layer == list.layers.data(); }
  [[nodiscard]] static std::string layer_name(const FusedLayer& group) {
    return group.name.substr(0, group.name.size() - 1);  // without the point
  }
  [[nodiscard]] LayerNumbers numbers(const FusedLayer& group) const {
    if (stays_fp32(group)) return {};
    LayerNumbers result{options.precision, {}, options.saturation};
    if (options.precision != Precision::int8) return result;
    const auto range = ranges.find(layer_name(group));
    if (range == ranges.end()) {
      throw InvalidArgument(fmt::format(
          "int8 needs the range of what goes into layer {}, and {} was not calibrated: twinpatch model quantize",
          layer_name(group), list.model->spec.name));
    }
    result.range = range->second;
    return result;
  }
  /// Whether the group's activation is followed by the pooling that our kernels can take along.
  [[nodiscard]] bool pooling_follows(const FusedLayer& group) const {
    if (group.pooling) return true;
    const auto* const pooling =
        group.end < list.layers.size() ? std::get_if<Pooling>(&list.layers[group.end]) : nullptr;
    return is_relu(group.activation) && pooling != nullptr && *pooling == Pooling{};
  }

  void append(std::unique_ptr<Step> step, Shape output) {
    plan.scratch_bytes_ = std::max(plan.scratch_bytes_, step->scratch_bytes());
    plan.buffer_floats_ = std::max(plan.buffer_floats_, options.size.batch * output.size());
    plan.steps_.push_back(std::move(step));
  }

  void add_product(const FusedLayer& group) {
    end_first_part(group.input.size());
    const auto matrix = columns_channels_last(group.weight, group.input);
    const ProductWork work{group.input.size(), group.layer_output.size(), group.activation,
                           matrix.data(),      data_or_null(group.bias),  numbers(group)};
    auto step = paired_product_fits(work) ? make_paired_product_step(work, options.size.batch)
                                          : make_inner_product_step(work, options.size);
    append(recorded(std::move(step), group), group.output);
  }

  /// Before a product; the first counts.
  void end_first_part(std::int64_t floats) {
    if (has_product) return;
    has_product = true;
    plan.first_steps_ = plan.steps_.size();
    plan.middle_ = floats;
  }

  [[nodiscard]] std::unique_ptr<Step> recorded(std::unique_ptr<Step> step, const FusedLayer& group) const {
    if (options.recorder == nullptr || stays_fp32(group)) return step;
    return make_recorded_step(std::move(step), layer_name(group), group.input.size(), *options.recorder);
  }

  void add(const Convolution& layer, const FusedLayer& group) {
    if (group.is_product) return add_product(group);
    const ConvolutionWork work{layer,
                               group.input,
                               group.layer_output,
                               group.activation,
                               group.pooling.has_value(),
                               group.weight.data(),
                               data_or_null(group.bias),
                               numbers(group)};
    const bool own = !group.activation || is_relu(group.activation);
    if (own && takes_stem(layer, group, pooling_follows(group))) {
      plan.planar_input_ = true;
      append(make_stem_step(work, {options.precision, options.exact_convolutions}), group.output);
    } else if (own && takes_winograd(layer, group)) {
      append(recorded(make_winograd_step(work), group), group.output);
    } else {
      append(recorded(make_convolution_step(work, options.size), group), group.output);
    }
  }

  void add(const Pooling& layer, const FusedLayer& group) {
    append(make_pooling_step(layer, group.input, group.output, options.size), group.output);
  }

  void add(const Subsampling& layer, const FusedLayer& group) {
    const Pooling average{.kind = Pooling::Kind::average, .window = layer.window, .stride = layer.window};
    append(make_pooling_step(average, group.input, group.output, options.size), group.output);
    append(make_channel_affine_step(group.output, {group.weight.begin(), group.weight.end()},
                                    {group.bias.begin(), group.bias.end()}),
           group.output);
  }

  void add(const SpatialPyramid& layer, const FusedLayer& group) {
    append(make_spatial_pyramid_step(layer, group.input), group.output);
  }

  void add(const Linear& /*layer*/, const FusedLayer& group) { add_product(group); }

  void add(const Activation& layer, const FusedLayer& group) {
    append(make_activation_step(layer.kind, group.input.size(), options.size), group.output);
  }

  void add(const BatchNormalisation& /*layer*/, const FusedLayer& /*group*/) {}  // refused by fuse_layers
};

LayerPlan::LayerPlan(const LayerList& list, std::size_t first, Shape input, const PlanOptions& options)
    : input_(input), output_(input) {
  Planner planner{*this, list, first, options, {}, false};
  if (options.precision == Precision::int8) planner.ranges = activation_ranges(*list.model);
  for (const FusedLayer& group : fuse_layers(list, first, input, planner.rules())) {
    std::visit([&](const auto& layer) { planner.add(layer, group); }, *group.layer);
    output_ = group.output;
  }
  planner.end_first_part(output_.size());
}

const float* LayerPlan::run(int worker, std::int64_t batch, const float* in, Workspace& workspace) const {
  return run_steps(steps_, {worker, batch}, in, workspace);
}

void LayerPlan::run_first(int worker, std::int64_t batch, const float* in, float* out, Workspace& workspace) const {
  if (first_steps_ == 0) {
    std::copy_n(in, batch * middle_, out);
    return;
  }
  in = run_steps(std::span(steps_).first(first_steps_ - 1), {worker, batch}, in, workspace);
  steps_[first_steps_ - 1]->run(worker, batch, in, out, workspace.scratch.data());
}

const float* LayerPlan::run_rest(int worker, std::int64_t batch, const float* in, Workspace& workspace) const {
  return run_steps(std::span(steps_).subspan(first_steps_), {worker, batch}, in, workspace);
}

std::vector<std::string> LayerPlan::describe() const {
  std::vector<std::string> result;
  for (const auto& step : steps_) result.push_back(step->name());
  return result;
}

Workspace make_workspace(std::span<const LayerPlan> plans) {
  std::int64_t floats = 0;
  std::int64_t bytes = 0;
  for (const auto& plan : plans) {
    floats = std::max(floats, plan.buffer_floats());
    bytes = std::max(bytes, plan.scratch_bytes());
  }
  return {Buffer<float>(floats), Buffer<float>(floats), Buffer<std::byte>(bytes)};
}

}  // namespace twinpatch::cpu
