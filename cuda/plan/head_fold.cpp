// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/head_fold.hpp"

#include <cmath>
#include <cstring>
#include <string>

#include "plan/layer_plan.hpp"

namespace twinpatch::cuda {
namespace {

/// Zeros up to a multiple of 32: a stage of kernels/slab_kernel.cuh has one sign.
void fill(HeadFold& fold) {
  while (fold.source.size() % 32 != 0) {
    fold.source.push_back(-1);
    fold.weight.push_back(0);
  }
}

/// `name`: of these numbers among the weights.
DeviceFold upload(DeviceWeights& weights, const std::string& name, const HeadFold& fold, std::int64_t row_length) {
  const void* const source = weights.packed(name + ".source", [&] {
    std::vector<std::byte> bytes(fold.source.size() * sizeof(std::int32_t));
    std::memcpy(bytes.data(), fold.source.data(), bytes.size());
    return bytes;
  });
  return {.fold = {.source = static_cast<const std::int32_t*>(source),
                   .weight = weights.floats(name + ".weight", fold.weight),
                   .length = std::ssize(fold.source),
                   .row_length = row_length},
          .positive = fold.positive};
}

}  // namespace

HeadFold fold_head(std::span<const float> weights) {
  HeadFold fold;
  for (const bool negative : {false, true}) {
    for (std::size_t k = 0; k < weights.size(); ++k) {
      if ((weights[k] < 0) != negative) continue;
      fold.source.push_back(static_cast<std::int32_t>(k));
      fold.weight.push_back(std::abs(weights[k]));
    }
    fill(fold);
    if (!negative) fold.positive = std::ssize(fold.source);
  }
  return fold;
}

HeadFold fold_difference(std::int64_t length, Side side) {
  HeadFold fold;
  for (std::int64_t k = 0; k < length; ++k) {
    fold.source.push_back(static_cast<std::int32_t>(k));
    fold.weight.push_back(side == Side::left ? 2.0F : -2.0F);
  }
  fill(fold);
  return fold;
}

DeviceFold upload_fold(DeviceWeights& weights, std::span<const float> output_weights) {
  return upload(weights, "head.fold", fold_head(output_weights), std::ssize(output_weights));
}

DeviceDifference upload_difference(DeviceWeights& weights, std::int64_t length, Side side) {
  const std::string name = side == Side::left ? "difference.left" : "difference.right";
  const std::vector<float> signs(static_cast<std::size_t>(length), side == Side::left ? 1.0F : -1.0F);
  return {upload(weights, name, fold_difference(length, side), length).fold, weights.floats(name + ".signs", signs)};
}

}  // namespace twinpatch::cuda
