// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cuda_support.hpp"
#include "twinpatch/cuda/backend.hpp"
#include "twinpatch/engine/engine.hpp"

namespace twinpatch::test {

/// A machine of that many devices with so many bytes each, in place of the one there is, until the end of its scope.
/// Null where there are fewer or smaller ones (a GPU host): the case says so and returns.
struct DeviceMachine {
  virtual ~DeviceMachine() = default;
};
[[nodiscard]] std::unique_ptr<DeviceMachine> machine_of(int devices, std::int64_t memory = std::int64_t{1} << 30);

constexpr Extent kTinyPatch{16, 16};

/// Networks that take a blink: two streams of two channels, and towers.
inline NetworkSpec tiny_two_channel() {
  const std::vector<Layer> layers{Convolution{.in = 2, .out = 6, .kernel = {3, 3}}, Activation{}, Pooling{},
                                  Convolution{.in = 6, .out = 5, .kernel = {2, 2}}, Activation{}};
  NetworkSpec spec;
  spec.name = "tiny-2ch";
  spec.input = kTinyPatch;
  spec.coupling = Coupling::two_channel;
  spec.streams = {{{StreamView::Kind::central_crop}, layers}, {{StreamView::Kind::surround_average}, layers}};
  spec.decision = DecisionLayers{{Linear{40, 7}, Activation{}, Linear{7, 1}}};
  return spec;
}

inline NetworkSpec tiny_siamese(Decision decision, Coupling coupling = Coupling::siamese) {
  NetworkSpec spec;
  spec.name = "tiny-siamese";
  spec.input = kTinyPatch;
  spec.coupling = coupling;
  spec.streams = {{{},
                   {Convolution{.in = 1, .out = 6, .kernel = {5, 5}, .stride = {2, 2}}, Activation{}, Pooling{},
                    Convolution{.in = 6, .out = 12, .kernel = {3, 3}}}}};
  spec.decision = std::move(decision);
  return spec;
}

inline std::vector<NetworkSpec> tiny_networks() {
  return {tiny_two_channel(), tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true}),
          tiny_siamese(DecisionLayers{{Linear{24, 10}, Activation{}, Linear{10, 1}}}, Coupling::pseudo_siamese),
          tiny_siamese(DecisionLayers{{Linear{24, 10}, Activation{}, Linear{10, 9}, Activation{}, Linear{9, 1}}})};
}

inline Engine cuda_engine(const Model& model, const std::string& device = "cuda:0", std::int64_t memory = 0) {
  ExecutionOptions options = cuda_options();
  options.device = device;
  options.memory = memory;
  options.batch = 16;
  return {Model(model), make_cuda_backend(options), options};
}
inline Engine cpu_engine(const Model& model) {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = 2;
  return {Model(model), options};
}

/// Every score of left × right.
inline Matrix all_scores(Engine& engine, PatchView left, PatchView right) {
  Matrix scores(left.count, right.count);
  engine.grid(left, right, [&](std::int64_t row, std::int64_t column, MatrixView tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      std::copy_n(tile.row(i).data(), tile.columns, scores.row(row + i).data() + column);
    }
  });
  return scores;
}

}  // namespace twinpatch::test
