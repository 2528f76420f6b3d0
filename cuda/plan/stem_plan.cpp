// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/stem_plan.hpp"

#include "library/pack.hpp"
#include "plan/layer_plan.hpp"
#include "plan/measured_kernels.hpp"

namespace twinpatch::cuda {
namespace {

/// The shape of a group of layers, if the kernel takes it.
std::optional<kernels::StemShape> stem_shape(const FusedLayer& group) {
  const auto* const layer = std::get_if<Convolution>(group.layer);
  if (layer == nullptr || group.is_product || !group.activation || !group.pooling) return {};
  const kernels::StemShape shape{.channels = group.input.channels,
                                 .height = group.input.height,
                                 .width = group.input.width,
                                 .kernel_height = layer->kernel.height,
                                 .kernel_width = layer->kernel.width,
                                 .stride_height = layer->stride.height,
                                 .stride_width = layer->stride.width,
                                 .outputs = layer->out,
                                 .pooled_height = group.output.height,
                                 .pooled_width = group.output.width};
  const bool halved =
      shape.pooled_height == group.layer_output.height / 2 && shape.pooled_width == group.layer_output.width / 2;
  const bool fits = shape.channels <= 2 && shape.kernel_width <= 8 && shape.outputs % 8 == 0 && shape.outputs <= 96 &&
                    shape.pooled_height * shape.pooled_width > 0 && shape.shared_bytes() <= kernels::kMostStemBytes;
  return halved && fits && layer->padding == Extent{0, 0} ? std::optional(shape) : std::nullopt;
}

}  // namespace

std::optional<StemPlan> plan_stem(DeviceWeights& weights, const LayerList& stream, Shape input) {
  const Device& device = *weights.device();
  if (device.type == NumberType::fp32 || !takes_fused(device, "fused stem")) return {};
  const FusionRules rules{.fuses_activation = [](const FusedLayer& /*group*/,
                                                 Activation::Kind kind) { return kind == Activation::Kind::relu; },
                          .fuses_pooling =
                              [](const FusedLayer& /*group*/, const Pooling& pooling) {
                                return pooling.kind == Pooling::Kind::max && pooling.window == Extent{2, 2} &&
                                       pooling.stride == Extent{2, 2};
                              }};
  const auto groups = fuse_layers(stream, 0, input, rules);
  if (groups.empty()) return {};
  const FusedLayer& group = groups.front();
  const auto shape = stem_shape(group);
  if (!shape) return {};
  const void* const filter =
      weights.packed(group.name + "stem", [&] { return pack(stem_filter(*shape, group.weight), device.type); });
  const std::vector<float> zeros(static_cast<std::size_t>(shape->outputs));
  return StemPlan{.stem = {.shape = *shape,
                           .filter = static_cast<const std::uint32_t*>(filter),
                           .bias = weights.floats(group.name + "stem_bias", group.bias.empty() ? zeros : group.bias)},
                  .layers = group.end,
                  .output = group.output,
                  .operations = 2.0 * static_cast<double>(group.weight.size()) *
                                static_cast<double>(group.layer_output.height) * group.layer_output.width};
}

std::vector<float> stem_filter(const kernels::StemShape& shape, std::span<const float> weights) {
  std::vector<float> packed;
  packed.reserve(static_cast<std::size_t>(2 * shape.filter_size()));
  const auto weight = [&](int output, int row, int column) {  // row: of all channels' kernels
    if (row >= shape.channels * shape.kernel_height || column >= shape.kernel_width) return 0.0F;
    const int at = (output * shape.channels * shape.kernel_height + row) * shape.kernel_width + column;
    return weights[static_cast<std::size_t>(at)];
  };
  for (int step = 0; step < shape.steps(); ++step) {
    for (int output = 0; output < shape.outputs; output += 8) {
      for (int lane = 0; lane < 32; ++lane) {
        for (int half = 0; half < 2; ++half) {
          for (int e = 0; e < 2; ++e) packed.push_back(weight(output + lane / 4, step * 2 + half, lane % 4 * 2 + e));
        }
      }
    }
  }
  return packed;
}

}  // namespace twinpatch::cuda
