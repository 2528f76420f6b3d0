// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device.hpp"
#include "twinpatch/net/fused_layers.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::cuda {

/// Batches from which on convolutions are timed, and pooling is left to the library: its kernels for it are compiled
/// for seconds at first use. Plans of smaller batches take what the library's heuristics name, and our own pooling.
inline constexpr std::int64_t kTunedBatch = 256;

/// The weights of a model on a device, in the forms in which plans read them, each uploaded once.
class DeviceWeights {
 public:
  DeviceWeights(std::shared_ptr<Device> device, std::shared_ptr<const Model> model)
      : device_(std::move(device)), model_(std::move(model)) {}

  [[nodiscard]] const Model& model() const { return *model_; }
  [[nodiscard]] const std::shared_ptr<Device>& device() const { return device_; }
  /// Bytes made by `make`, on the device, under a name of their own.
  [[nodiscard]] const void* packed(const std::string& name, const std::function<std::vector<std::byte>()>& make);
  /// Floats likewise.
  [[nodiscard]] const float* floats(const std::string& name, std::span<const float> values);

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<const Model> model_;
  std::map<std::string, HeldBuffer<std::byte>> packed_;
};

/// Memory that plans of one batch size share: two buffers that layers write in turn, and what libraries ask for.
struct Workspace {
  HeldBuffer<std::byte> ping, pong, scratch;
};

/// Layers of a network from a fixed input size to their output for a fixed batch: planned once, run many times.
class LayerPlan {
 public:
  /// Layers of a list of the weights' model, from `first` on, whose input is `input`.
  LayerPlan(DeviceWeights& weights, const LayerList& list, std::size_t first, Shape input, std::int64_t batch);

  /// Enqueues the layers on the compute stream; may be captured. `in` [batch, input] is in the device's type and may be
  /// overwritten. Returns the output [batch, output] in output_type(): in the workspace, or `in` itself.
  const void* run(void* in, Workspace& workspace) const;
  /// Convolutions choose their algorithms, on what the layers make of random values in `in`. Synchronises; no capture.
  void tune(void* in, Workspace& workspace);

  [[nodiscard]] Shape input() const noexcept { return input_; }
  [[nodiscard]] Shape output() const noexcept { return output_; }
  /// The device's type; fp32 where the last layer is a matrix product.
  [[nodiscard]] NumberType output_type() const noexcept { return output_type_; }
  /// Bytes that run() needs of each part of a workspace.
  struct Needs {
    std::int64_t ping = 0, pong = 0, scratch = 0;
  };
  [[nodiscard]] Needs needs() const noexcept { return needs_; }
  /// What one run does and moves at least: additions and multiplications, bytes of maps and weights.
  [[nodiscard]] double operations() const noexcept { return operations_; }
  [[nodiscard]] std::int64_t bytes() const noexcept { return bytes_; }
  /// There are no layers: the output is the input.
  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }
  /// What each step runs as, in words: "cuDNN convolution + bias + relu, engine 51; pool; …".
  [[nodiscard]] std::string describe() const;

 private:
  struct Step {
    std::function<std::string()> name;  ///< a convolution's changes when it is tuned
    bool in_place = false;
    std::int64_t scratch = 0;
    using Work = std::function<void(cudaStream_t stream, const void* in, void* out, void* scratch)>;
    Work run = {};
    Work tune = {};
  };
  struct Planner;
  template <class Visit>
  const void* walk(void* in, Workspace& workspace, const Visit& visit) const;

  std::shared_ptr<Device> device_;
  std::int64_t batch_;
  Shape input_, output_;
  NumberType output_type_;
  std::vector<Step> steps_;
  Needs needs_;
  double operations_ = 0;
  std::int64_t bytes_ = 0;
};

/// A workspace for each of the plans, one at a time.
[[nodiscard]] Workspace make_workspace(const std::shared_ptr<Device>& device, std::span<const LayerPlan> plans);

}  // namespace twinpatch::cuda
