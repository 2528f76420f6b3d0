// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/deep_head.hpp"

#include <algorithm>

namespace twinpatch::cpu {

DeepHead::DeepHead(const DecisionHead& head, int workers)
    : hidden_(head.hidden()), activation_(head.first().activation) {
  std::int64_t widest = hidden_;
  for (const DecisionHead::Layer& layer : std::span(head.layers).subspan(1)) {
    rest_.push_back({PackedLinear(layer.weight.data(), layer.in, layer.out, layer.in, layer.bias), layer.activation});
    widest = std::max(widest, layer.out);
  }
  const auto floats = static_cast<std::size_t>(kStripRows * widest);
  for (int worker = 0; worker < workers; ++worker) {
    workers_.push_back({std::vector<float>(floats), std::vector<float>(floats)});
  }
}

void DeepHead::add_halves(PairOfHalves pair, float* out) const {
  if (activation_ == Activation::Kind::relu) {
    kernels_.add_relu(pair.left, pair.right, hidden_, out);
    return;
  }
  for (std::int64_t k = 0; k < hidden_; ++k) out[k] = pair.left[k] + pair.right[k];
  apply(activation_, {out, static_cast<std::size_t>(hidden_)});
}

void DeepHead::score(int worker, std::span<const PairOfHalves> pairs, float* scores) {
  Worker& mine = workers_[static_cast<std::size_t>(worker)];
  const std::int64_t count = std::ssize(pairs);
  float* out = mine.hidden.data();
  for (const PairOfHalves& pair : pairs) {
    add_halves(pair, out);
    out += hidden_;
  }
  for (const Layer& layer : rest_) {
    const std::int64_t width = layer.linear.out();
    layer.linear.run(mine.hidden.data(), layer.linear.in(), count, mine.next.data(), width);
    apply(layer.activation, {mine.next.data(), static_cast<std::size_t>(count * width)});
    mine.hidden.swap(mine.next);
  }
  std::copy_n(mine.hidden.data(), count, scores);
}

}  // namespace twinpatch::cpu
