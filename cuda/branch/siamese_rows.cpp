// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <variant>

#include "plan/kernel_rules.hpp"
#include "siamese.hpp"
#include "transfer.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cuda {
namespace {

bool narrow_products(const Device& device) { return device.type != NumberType::fp32; }

}  // namespace

kernels::RowMatrix SiameseRows::matrix(std::int64_t begin, std::int64_t count) const {
  return {values.data() + begin * length_, scalars.empty() ? nullptr : scalars.data() + begin, count};
}

DecisionHead read_head(DeviceWeights& weights) {
  const NetworkSpec& spec = weights.model().spec;
  const auto& layers = std::get<DecisionLayers>(spec.decision).layers;
  const auto* const first = layers.empty() ? nullptr : std::get_if<Linear>(&layers.front());
  if (first == nullptr) {
    throw InvalidArgument(fmt::format("network {}: the decision must begin with a fully connected layer", spec.name));
  }
  if (!weights.has(decision_prefix(0) + "weight")) {
    throw InvalidArgument(
        fmt::format("network {}: the model has no weights \"{}weight\"; it gives descriptors, pairs cannot be scored "
                    "with it",
                    spec.name, decision_prefix(0)));
  }
  DecisionHead head;
  head.hidden = first->out;
  head.matrix = weights.floats("head.matrix",
                               weights.values(decision_prefix(0) + "weight", std::int64_t{first->out} * first->in));
  head.bias = weights.floats("head.bias", weights.values(decision_prefix(0) + "bias", first->out));
  head.rest = 1;
  if (layers.size() > 1) {
    if (const auto* activation = std::get_if<Activation>(&layers[1])) {
      head.squash = squash_of(activation->kind);
      head.rest = 2;
    }
  }
  const auto* const last = layers.size() == 3 ? std::get_if<Linear>(&layers[2]) : nullptr;
  if (last != nullptr && last->out == 1 && head.rest == 2 && head.squash == kernels::Squash::relu) {
    head.output_weights = weights.floats("head.output", weights.values(decision_prefix(2) + "weight", last->in));
    head.output_bias = weights.values(decision_prefix(2) + "bias", 1)[0];
  }
  return head;
}

SiameseRowMaker::SiameseRowMaker(DeviceWeights& weights)
    : device_(weights.device()), name_(weights.model().spec.name), size_(branch_size(weights.model().spec)) {
  if (std::holds_alternative<DecisionMetric>(weights.model().spec.decision)) {
    narrow_ = narrow_products(*device_);
  } else if (!weights.model().descriptor_only) {
    head_ = read_head(weights);
  }
}

std::int64_t SiameseRowMaker::row_bytes() const {
  return ((head_ ? head_->hidden : size_) + 1) * 4 + (narrow_ ? size_ * size_of(device_->type) : 0);
}

HeldBuffer<float> SiameseRowMaker::project(const HeldBuffer<float>& descriptors, std::int64_t count, Side side) {
  HeldBuffer<float> result(device_, checked_multiply(count, head_->hidden));
  if (count == 0) return result;
  auto found = std::find_if(projections_.begin(), projections_.end(), [&](const Projection& projection) {
    return projection.rows == count && projection.side == side;
  });
  if (found == projections_.end()) {
    MatrixProductRequest request{
        .rows = count, .inner = size_, .columns = head_->hidden, .right_transposed = true, .right_stride = 2 * size_};
    request.bias = side == Side::left;
    request.alignment = size_ % 4 == 0 && head_->hidden % 4 == 0 ? 16 : 4;
    constexpr std::size_t kMost = 4;
    if (projections_.size() >= kMost) projections_.erase(projections_.begin());
    projections_.push_back({count, side, std::make_shared<MatrixProduct>(device_->libraries, request)});
    found = std::prev(projections_.end());
  }
  HeldBuffer<std::byte> scratch(device_, found->product->workspace_bytes());
  const float* const half = head_->matrix + (side == Side::left ? 0 : size_);
  found->product->run(device_->stream(), descriptors.data(), half, side == Side::left ? head_->bias : nullptr,
                      result.data(), scratch.data());
  return result;
}

std::shared_ptr<const Rows> SiameseRowMaker::rows(HeldBuffer<float> descriptors, std::int64_t count, Side side) {
  const std::int64_t length = head_ ? head_->hidden : size_;
  auto result = std::make_shared<SiameseRows>(device_, side, count, length);
  result->values = head_ ? project(descriptors, count, side) : std::move(descriptors);
  const bool sums = head_ && head_->output_weights != nullptr && side == Side::right;
  if (sums || !head_) result->scalars = HeldBuffer<float>(device_, count);
  if (count == 0) return result;

  constexpr auto kNone = std::numeric_limits<unsigned long long>::max();
  HeldBuffer<unsigned long long> first_bad(device_, 1);
  TWINPATCH_CUDA_CHECK(cudaMemsetAsync(first_bad.data(), 0xff, sizeof(kNone), device_->stream()));
  kernels::row_scalars(device_->stream(), result->values.data(), count, length, sums ? head_->output_weights : nullptr,
                       sums ? head_->output_bias : 0.0F, result->scalars.data(), 0, first_bad.data());
  if (narrow_) {
    result->narrow = HeldBuffer<std::byte>(device_, checked_multiply(count, length * size_of(device_->type)));
    kernels::convert(device_->stream(), result->values.data(), count * length, device_->type, result->narrow.data());
  }
  unsigned long long bad = kNone;
  read_back(*device_, first_bad.data(), 1, &bad);
  if (bad != kNone) {
    throw NotFinite(fmt::format("network {}: the descriptor of patch {} is not finite", name_, bad),
                    static_cast<std::int64_t>(bad));
  }
  return result;
}

Backend::TileSize siamese_tile_size(const Model& model, std::int64_t memory) {
  constexpr std::int64_t kGrain = 32;
  std::int64_t length = branch_size(model.spec);
  std::int64_t most = 32768;
  if (const auto* decision = std::get_if<DecisionLayers>(&model.spec.decision)) {
    if (const auto* first = decision->layers.empty() ? nullptr : std::get_if<Linear>(&decision->layers.front())) {
      length = std::max<std::int64_t>(length, first->out);
    }
    // Deeper heads cost thousands of times more a pair: smaller tiles, so that progress is seen and a stop is heard.
    if (decision->layers.size() > 3) most = 4096;
  }
  // An eighth of the bound for either block: rows, the descriptors they were made from, and their narrow copies.
  const std::int64_t rows = memory / 8 / (length * 12);
  const std::int64_t tile = std::clamp<std::int64_t>(rows / kGrain * kGrain, kGrain, most);
  return {tile, tile};
}

}  // namespace twinpatch::cuda
