// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "twinpatch/net/model.hpp"
#include "twinpatch/patches/patch_set.hpp"

namespace twinpatch::train {

enum class Side { left, right };

/// A NetworkSpec as torch operations on trainable weights. Every function takes and gives tensors that know their
/// gradient. Activations are [N, C, H, W], channels last in memory; vectors [N, D].
class TorchNetwork {
 public:
  TorchNetwork(const Model& model, at::Device device);

  /// Grey levels [N, H, W] (uint8), or raw float32, → [N, 1, H, W] by the network's normalisation; raw as they are.
  [[nodiscard]] at::Tensor normalise(const at::Tensor& patches) const;

  /// Scores [N] of pairs of normalised patches.
  [[nodiscard]] at::Tensor pair_scores(const at::Tensor& left, const at::Tensor& right) const;

  /// Branch vectors [N, D] of normalised patches; networks whose branch sees one patch.
  [[nodiscard]] at::Tensor vectors(const at::Tensor& patches, Side side) const;
  /// Both sides at once: one pass of the shared tower (and one set of batch statistics) where weights are shared.
  struct VectorPair {
    at::Tensor left, right;
  };
  [[nodiscard]] VectorPair vectors(const at::Tensor& left, const at::Tensor& right) const;
  /// Scores [N] of vectors pair by pair, and [N, M] of every left against every right.
  [[nodiscard]] at::Tensor vector_scores(const at::Tensor& left, const at::Tensor& right) const;
  [[nodiscard]] at::Tensor grid_scores(const at::Tensor& left, const at::Tensor& right) const;

  /// Batch normalisation: statistics of the batch (training) or the running ones.
  void set_training(bool training) { training_ = training; }
  /// Layers of branches in bf16 while training, where PyTorch's autocast does so; weights, decisions, distances and
  /// what is no product stay fp32. Off at first.
  void set_bf16(bool on) { bf16_ = on; }

  [[nodiscard]] const NetworkSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] at::Device device() const noexcept { return device_; }
  /// Weights by name, those that learn and (batch statistics) those that are only updated.
  [[nodiscard]] const std::map<std::string, at::Tensor>& weights() const noexcept { return weights_; }
  /// Names of weights that the gradient moves.
  [[nodiscard]] std::vector<std::string> trainable() const;

  /// Weights as row-major float32, and back. `load` throws ShapeError where names or shapes differ.
  [[nodiscard]] std::map<std::string, Tensor> save() const;
  void load(const std::map<std::string, Tensor>& weights);

 private:
  [[nodiscard]] at::Tensor branch(const at::Tensor& input, const std::string& name) const;
  [[nodiscard]] at::Tensor run_layers(at::Tensor x, const std::vector<Layer>& layers, const std::string& prefix,
                                      std::size_t first = 0) const;
  [[nodiscard]] at::Tensor run_layer(const at::Tensor& x, const Layer& layer, const std::string& name,
                                     bool may_overwrite) const;
  [[nodiscard]] at::Tensor decision_grid(const DecisionLayers& decision, const at::Tensor& left,
                                         const at::Tensor& right) const;
  [[nodiscard]] const at::Tensor& weight(const std::string& name) const;

  NetworkSpec spec_;
  at::Device device_;
  std::map<std::string, at::Tensor> weights_;
  bool training_ = false;
  bool bf16_ = false;
};

/// A view of uint8 or float patches as a tensor [N, H, W] that shares their memory.
[[nodiscard]] at::Tensor as_tensor(PatchView patches);

/// x [N, in] · weightᵀ [out, in] + bias, through oneDNN: the system's BLAS may be the slow reference one.
[[nodiscard]] at::Tensor fast_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace twinpatch::train
