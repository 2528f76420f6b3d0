// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "library/pack.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/half.hpp"

namespace twinpatch::cuda {
namespace {

void store(std::vector<std::byte>& bytes, std::size_t i, float value, NumberType type) {
  if (type == NumberType::fp32) {
    std::memcpy(bytes.data() + 4 * i, &value, sizeof value);
    return;
  }
  const std::uint16_t bits = type == NumberType::fp16 ? to_half(value) : to_bfloat16(value);
  std::memcpy(bytes.data() + 2 * i, &bits, sizeof bits);
}

}  // namespace

std::vector<std::byte> pack(std::span<const float> values, NumberType type) {
  std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(size_of(type)));
  for (std::size_t i = 0; i < values.size(); ++i) store(bytes, i, values[i], type);
  return bytes;
}

std::vector<std::byte> pack_filter(const Convolution& layer, std::span<const float> weights, NumberType type) {
  const auto out = static_cast<std::size_t>(layer.out);
  const auto in = static_cast<std::size_t>(layer.in);
  const auto area = static_cast<std::size_t>(layer.kernel.height) * static_cast<std::size_t>(layer.kernel.width);
  if (weights.size() != out * in * area) {
    throw ShapeError(fmt::format("{}: expected {} weights, got {}", twinpatch::describe(Layer(layer)), out * in * area,
                                 weights.size()));
  }
  std::vector<std::byte> bytes(weights.size() * static_cast<std::size_t>(size_of(type)));
  std::size_t to = 0;
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t k = 0; k < area; ++k) {
      for (std::size_t i = 0; i < in; ++i, ++to) store(bytes, to, weights[(o * in + i) * area + k], type);
    }
  }
  return bytes;
}

}  // namespace twinpatch::cuda
