// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "torch_network.hpp"
#include "twinpatch/train/options.hpp"

namespace twinpatch::train {

/// Moves a network's weights along their gradients. Its state can be saved and taken up again.
class Optimiser {
 public:
  Optimiser(const TorchNetwork& net, const TrainOptions& options);

  /// One step at a learning rate, then clears the gradients. `average`: this step counts in the average (asgd).
  void step(double rate, bool average);

  /// True once steps were averaged: then `average()` holds the weights to use, and the network's own go on learning.
  [[nodiscard]] bool has_average() const { return averaged_ > 0; }
  [[nodiscard]] std::map<std::string, Tensor> average() const;

  /// "momentum/NAME", "square/NAME", "average/NAME"; and the two counters.
  [[nodiscard]] std::map<std::string, Tensor> save() const;
  void load(const std::map<std::string, Tensor>& state);

 private:
  struct Slot {
    std::string name;
    at::Tensor weight;
    bool decays = false;                   ///< weight decay is for weights, not for biases
    at::Tensor momentum, square, average;  ///< undefined until used
  };
  void clip_gradients();
  void move(Slot& slot, double rate);

  OptimiserKind kind_;
  double momentum_, weight_decay_, clip_;
  std::vector<Slot> slots_;
  std::int64_t steps_ = 0;
  std::int64_t averaged_ = 0;
};

}  // namespace twinpatch::train
