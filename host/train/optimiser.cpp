// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "optimiser.hpp"

#include <c10/core/GradMode.h>
#include <algorithm>
#include <cmath>

#include "twinpatch/core/error.hpp"

namespace twinpatch::train {
namespace {

constexpr double kAdamMean = 0.9;
constexpr double kAdamSquare = 0.999;
constexpr double kAdamEpsilon = 1e-8;

Tensor to_tensor(const at::Tensor& values) {
  const auto dense = values.detach().to(at::kCPU).contiguous(at::MemoryFormat::Contiguous);
  return {dense.sizes().vec(), {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()}, TensorType::f32};
}

at::Tensor from_tensor(const Tensor& tensor, const at::Tensor& like) {
  auto values = at::empty(tensor.shape, at::kFloat);
  std::copy(tensor.values.begin(), tensor.values.end(), values.data_ptr<float>());
  return at::empty_like(like).copy_(values).detach();
}

Tensor scalar(std::int64_t value) {
  // Two floats hold counts far beyond a float's 24 bits exactly.
  return {{2}, {static_cast<float>(value / 65536), static_cast<float>(value % 65536)}, TensorType::f32};
}
std::int64_t from_scalar(const Tensor& tensor) {
  return static_cast<std::int64_t>(tensor.values.at(0)) * 65536 + static_cast<std::int64_t>(tensor.values.at(1));
}

}  // namespace

Optimiser::Optimiser(const TorchNetwork& net, const TrainOptions& options)
    : kind_(options.optimiser), momentum_(options.momentum), weight_decay_(options.weight_decay), clip_(options.clip) {
  for (const auto& name : net.trainable()) {
    Slot slot;
    slot.name = name;
    slot.weight = net.weights().at(name);
    slot.decays = name.ends_with(".weight") && slot.weight.dim() > 1;
    slots_.push_back(std::move(slot));
  }
}

void Optimiser::clip_gradients() {
  if (clip_ <= 0) return;
  double squares = 0;
  for (const Slot& slot : slots_)
    if (slot.weight.grad().defined()) squares += slot.weight.grad().square().sum().item<double>();
  const double norm = std::sqrt(squares);
  if (norm <= clip_) return;
  for (Slot& slot : slots_)
    if (slot.weight.grad().defined()) slot.weight.mutable_grad().mul_(clip_ / norm);
}

void Optimiser::move(Slot& slot, double rate) {
  at::Tensor gradient = slot.weight.grad();
  if (kind_ == OptimiserKind::adam) {
    if (!slot.momentum.defined()) slot.momentum = at::zeros_like(gradient);
    if (!slot.square.defined()) slot.square = at::zeros_like(gradient);
    slot.momentum.mul_(kAdamMean).add_(gradient, 1 - kAdamMean);
    slot.square.mul_(kAdamSquare).addcmul_(gradient, gradient, 1 - kAdamSquare);
    const double t = static_cast<double>(steps_);
    const double mean_scale = 1 - std::pow(kAdamMean, t);
    const double square_scale = std::sqrt(1 - std::pow(kAdamSquare, t));
    if (slot.decays) slot.weight.mul_(1 - rate * weight_decay_);
    slot.weight.addcdiv_(slot.momentum, slot.square.sqrt().div_(square_scale).add_(kAdamEpsilon), -rate / mean_scale);
    return;
  }
  if (slot.decays) gradient.add_(slot.weight, weight_decay_);
  if (momentum_ > 0) {
    if (!slot.momentum.defined()) slot.momentum = at::zeros_like(gradient);
    slot.momentum.mul_(momentum_).add_(gradient);
    gradient = slot.momentum;
  }
  slot.weight.add_(gradient, -rate);
}

void Optimiser::step(double rate, bool average) {
  const c10::NoGradGuard no_gradient;
  clip_gradients();
  ++steps_;
  if (average) ++averaged_;
  for (Slot& slot : slots_) {
    if (!slot.weight.grad().defined()) continue;
    move(slot, rate);
    slot.weight.mutable_grad().zero_();
    if (!average) continue;
    if (!slot.average.defined()) slot.average = slot.weight.detach().clone();
    slot.average.lerp_(slot.weight.detach(), 1.0 / static_cast<double>(averaged_));
  }
}

std::map<std::string, Tensor> Optimiser::average() const {
  std::map<std::string, Tensor> weights;
  for (const Slot& slot : slots_) weights[slot.name] = to_tensor(slot.average.defined() ? slot.average : slot.weight);
  return weights;
}

std::map<std::string, Tensor> Optimiser::save() const {
  std::map<std::string, Tensor> state;
  for (const Slot& slot : slots_) {
    if (slot.momentum.defined()) state["momentum/" + slot.name] = to_tensor(slot.momentum);
    if (slot.square.defined()) state["square/" + slot.name] = to_tensor(slot.square);
    if (slot.average.defined()) state["average/" + slot.name] = to_tensor(slot.average);
  }
  state["optimiser/steps"] = scalar(steps_);
  state["optimiser/averaged"] = scalar(averaged_);
  return state;
}

void Optimiser::load(const std::map<std::string, Tensor>& state) {
  const c10::NoGradGuard no_gradient;
  const auto restore = [&](const std::string& key, at::Tensor& target, const at::Tensor& like) {
    if (const auto found = state.find(key); found != state.end()) target = from_tensor(found->second, like);
  };
  for (Slot& slot : slots_) {
    restore("momentum/" + slot.name, slot.momentum, slot.weight);
    restore("square/" + slot.name, slot.square, slot.weight);
    restore("average/" + slot.name, slot.average, slot.weight);
  }
  steps_ = from_scalar(state.at("optimiser/steps"));
  averaged_ = from_scalar(state.at("optimiser/averaged"));
}

}  // namespace twinpatch::train
