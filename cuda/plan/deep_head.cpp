// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "plan/deep_head.hpp"

#include <algorithm>
#include <utility>

#include "runtime/check.hpp"

namespace twinpatch::cuda {
namespace {

constexpr std::int64_t kMostPairs = std::int64_t{1} << 16;

const std::vector<Layer>& layers_of(const DeviceWeights& weights) {
  return std::get<DecisionLayers>(weights.model().spec.decision).layers;
}

}  // namespace

/// The layers after the first for one batch.
class DeepHead::Plan {
 public:
  Plan(DeviceWeights& weights, const DeviceHead& head, std::int64_t batch)
      : device_(weights.device()), batch_(batch), type_(device_->type), graphs_(device_->options.log) {
    rest_.emplace_back(weights, LayerList{&weights.model(), "decision", layers_of(weights)}, head.rest,
                       Shape{static_cast<int>(head.hidden), 1, 1}, batch);
    if (head.rest == layers_of(weights).size()) type_ = NumberType::fp32;  // the sum is the score
    workspace_ = make_workspace(device_, rest_);
    hidden_ = HeldBuffer<std::byte>(device_, checked_multiply(batch, head.hidden * size_of(type_)));
    TWINPATCH_CUDA_CHECK(
        cudaMemsetAsync(hidden_.data(), 0, static_cast<std::size_t>(hidden_.bytes()), device_->stream()));
  }

  [[nodiscard]] std::int64_t batch() const noexcept { return batch_; }
  void score(const DeviceHead& head, kernels::RowMatrix left, kernels::RowMatrix right, DevicePairs pairs) {
    const cudaStream_t stream = device_->stream();
    kernels::add_rows(stream, {left.values, right.values, head.hidden, head.activation, type_},
                      {pairs.pairs, pairs.count}, hidden_.data());
    const LayerPlan& rest = rest_.front();
    if (!rest.empty()) graphs_.run(batch_, stream, [&] { out_ = rest.run(hidden_.data(), workspace_); });
    const kernels::Maps scores{
        rest.empty() ? type_ : rest.output_type(), rest.empty() ? hidden_.data() : out_, pairs.count, {1, 1, 1}};
    kernels::flatten(stream, scores, pairs.scores, 1);
  }

 private:
  std::shared_ptr<Device> device_;
  std::int64_t batch_;
  NumberType type_;  ///< of hidden_
  std::vector<LayerPlan> rest_;
  Workspace workspace_;
  HeldBuffer<std::byte> hidden_;  ///< [batch, hidden]
  const void* out_ = nullptr;     ///< where the layers leave their output, the same each time
  BatchGraphs graphs_;
};

DeepHead::DeepHead(DeviceWeights& weights, const DeviceHead& head) : weights_(weights), head_(head) {}
DeepHead::~DeepHead() = default;

void DeepHead::score(kernels::RowMatrix left, kernels::RowMatrix right, DevicePairs pairs) {
  const Device& device = *weights_.device();
  const std::int64_t fits = device.context.pool().bound() / 8 / (16 * std::max<std::int64_t>(1, head_.hidden));
  const std::int64_t limit = std::clamp<std::int64_t>(fits, 1, kMostPairs);
  Plan& plan = plans_.get("decision", {}, limit, pairs.count,
                          [&](std::int64_t batch) { return std::make_unique<Plan>(weights_, head_, batch); });
  for (std::int64_t begin = 0; begin < pairs.count; begin += plan.batch()) {
    plan.score(head_, left, right,
               {pairs.pairs + 2 * begin, std::min(plan.batch(), pairs.count - begin), pairs.scores + begin});
  }
}

double DeepHead::operations() const {
  double sum = static_cast<double>(head_.hidden);
  Shape shape{static_cast<int>(head_.hidden), 1, 1};
  const auto& layers = layers_of(weights_);
  for (std::size_t i = head_.rest; i < layers.size(); ++i) {
    const Shape next = output_shape(layers[i], shape);
    if (std::holds_alternative<Linear>(layers[i])) {
      sum += 2.0 * static_cast<double>(shape.size()) * static_cast<double>(next.size());
    }
    shape = next;
  }
  return sum;
}

}  // namespace twinpatch::cuda
