// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/two_channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "twinpatch/core/error.hpp"
#include "twinpatch/net/fused_layers.hpp"

namespace twinpatch {
namespace {

std::optional<JoinRule> stream_rule(const NetworkSpec& spec, const Stream& stream, Extent patch) {
  const auto& layers = stream.layers;
  if (layers.empty() || !std::holds_alternative<Convolution>(layers[0])) return {};
  JoinRule rule;
  if (layers.size() < 2 || !std::holds_alternative<Activation>(layers[1])) return rule;
  rule.activation = std::get<Activation>(layers[1]).kind;
  rule.layers = 2;
  if (layers.size() < 3) return rule;
  const Shape half = output_shape(layers[0], stream_input(spec, stream, patch));
  const auto* const pooling = std::get_if<Pooling>(&layers[2]);
  if (pooling != nullptr && *pooling == Pooling{} && half.height >= 2 && half.width >= 2) {
    rule.pool = true;
    rule.layers = 3;
  }
  return rule;
}

}  // namespace

std::optional<JoinRule> join_rule(const NetworkSpec& spec, Extent patch) {
  const auto first = stream_rule(spec, spec.streams.front(), patch);
  for (const Stream& stream : spec.streams) {
    if (stream_rule(spec, stream, patch) != first) return {};
  }
  return first;
}

Convolution half_of(const Convolution& layer, bool first) {
  Convolution half = layer;
  half.in = 1;
  half.bias = layer.bias && first;
  return half;
}

std::vector<float> half_weights(const Convolution& layer, std::span<const float> both, bool first) {
  const std::int64_t window = std::int64_t{layer.kernel.height} * layer.kernel.width;
  std::vector<float> half(static_cast<std::size_t>(window * layer.out));
  for (std::int64_t o = 0; o < layer.out; ++o) {
    std::copy_n(both.data() + (2 * o + (first ? 0 : 1)) * window, window, half.data() + o * window);
  }
  return half;
}

std::vector<HalfConvolution> half_convolutions(const Model& model, Extent patch, bool first) {
  const FusionRules nothing{.fuses_activation = [](const FusedLayer&, Activation::Kind) { return false; },
                            .fuses_pooling = [](const FusedLayer&, const Pooling&) { return false; }};
  std::vector<HalfConvolution> halves;
  for (std::size_t i = 0; i < model.spec.streams.size(); ++i) {
    const Stream& stream = model.spec.streams[i];
    const LayerList list{&model, fmt::format("branch.{}", i), std::span(stream.layers).first(1)};
    const FusedLayer whole = fuse_layers(list, 0, stream_input(model.spec, stream, patch), nothing).front();
    const auto& layer = std::get<Convolution>(*whole.layer);
    HalfConvolution half{stream.view, half_of(layer, first), whole.name, whole.input, whole.output, {}, {}};
    half.input.channels = 1;
    half.weight = half_weights(layer, whole.weight, first);
    if (first) half.bias = whole.bias;
    halves.push_back(std::move(half));
  }
  return halves;
}

std::int64_t halves_size(const NetworkSpec& spec, Extent patch) {
  std::int64_t size = 0;
  for (const Stream& stream : spec.streams) {
    size += output_shape(stream.layers.front(), stream_input(spec, stream, patch)).size();
  }
  return std::max<std::int64_t>(1, size);
}

Extent check_pair(const NetworkSpec& spec, Extent left, Extent right) {
  if (left != right) {
    throw ShapeError(fmt::format("network {} needs both patches of a pair in one size, found {}×{} and {}×{}",
                                 spec.name, left.height, left.width, right.height, right.width));
  }
  return left;
}

}  // namespace twinpatch
