// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/net/two_channel.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"

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

std::int64_t halves_size(const NetworkSpec& spec, Extent patch) {
  std::int64_t size = 0;
  for (const Stream& stream : spec.streams) {
    size += output_shape(stream.layers.front(), stream_input(spec, stream, patch)).size();
  }
  return std::max<std::int64_t>(1, size);
}

Extent check_pair(const NetworkSpec& spec, Extent left, Extent right) {
  if (left != right) {
    throw ShapeError(fmt::format("network {} stacks the patches of a pair, which must be of one size: {}×{} and {}×{}",
                                 spec.name, left.height, left.width, right.height, right.width));
  }
  return left;
}

}  // namespace twinpatch
