// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/train/torch_scores.hpp"

#include <c10/core/GradMode.h>

#include "torch_network.hpp"

namespace twinpatch {
namespace {

std::vector<float> values(const at::Tensor& scores) {
  const auto dense = scores.contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

}  // namespace

std::vector<float> torch_scores(const Model& model, PatchView left, PatchView right) {
  const c10::NoGradGuard no_gradient;
  const train::TorchNetwork net(model, at::kCPU);
  return values(net.pair_scores(net.normalise(train::as_tensor(left)), net.normalise(train::as_tensor(right))));
}

std::vector<float> torch_grid_scores(const Model& model, PatchView left, PatchView right) {
  const c10::NoGradGuard no_gradient;
  const train::TorchNetwork net(model, at::kCPU);
  const auto a = net.vectors(net.normalise(train::as_tensor(left)), train::Side::left);
  const auto b = net.vectors(net.normalise(train::as_tensor(right)), train::Side::right);
  return values(net.grid_scores(a, b));
}

}  // namespace twinpatch
