// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/head_fold.hpp"

#include <cmath>
#include <cstring>

#include "plan/layer_plan.hpp"

namespace twinpatch::cuda {

HeadFold fold_head(std::span<const float> weights) {
  constexpr std::size_t kGrain = 32;  // a stage of kernels/slab_kernel.cuh has one sign
  HeadFold fold;
  const auto fill = [&] {
    while (fold.source.size() % kGrain != 0) {
      fold.source.push_back(-1);
      fold.weight.push_back(0);
    }
  };
  for (const bool negative : {false, true}) {
    for (std::size_t k = 0; k < weights.size(); ++k) {
      if ((weights[k] < 0) != negative) continue;
      fold.source.push_back(static_cast<std::int32_t>(k));
      fold.weight.push_back(std::abs(weights[k]));
    }
    fill();
    if (!negative) fold.positive = std::ssize(fold.source);
  }
  return fold;
}

DeviceFold upload_fold(DeviceWeights& weights, std::span<const float> output_weights) {
  const HeadFold fold = fold_head(output_weights);
  const void* const source = weights.packed("head.fold.source", [&] {
    std::vector<std::byte> bytes(fold.source.size() * sizeof(std::int32_t));
    std::memcpy(bytes.data(), fold.source.data(), bytes.size());
    return bytes;
  });
  return {.fold = {.source = static_cast<const std::int32_t*>(source),
                   .weight = weights.floats("head.fold.weight", fold.weight),
                   .length = std::ssize(fold.source),
                   .row_length = std::ssize(output_weights)},
          .positive = fold.positive};
}

}  // namespace twinpatch::cuda
