// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <iterator>
#include <limits>
#include <variant>

#include "plan/kernel_rules.hpp"
#include "plan/measured_kernels.hpp"
#include "siamese.hpp"
#include "transfer.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/decision_head.hpp"
#include "twinpatch/net/siamese_grid.hpp"

namespace twinpatch::cuda {
namespace {

/// Whether l2 and cosine are searched in half precision on this device.
bool narrow_products(const Device& device) {
  return device.type != NumberType::fp32 || takes_fused(device, "fused metric");
}

void add_fold(DeviceWeights& weights, std::span<const float> output, DeviceHead& head) {
  if (takes_fused(*weights.device(), "fused head")) head.fold = upload_fold(weights, output);
}

/// A head of one layer, p + q, as one of two: max(p + q, 0) − max(−p − q, 0).
DeviceHead upload_sum(DeviceWeights& weights, const DecisionHead::Layer& layer) {
  std::vector<float> matrix(layer.weight.begin(), layer.weight.end());
  std::transform(layer.weight.begin(), layer.weight.end(), std::back_inserter(matrix), std::negate<>());
  const float bias[] = {layer.bias[0], -layer.bias[0]};
  const float output[] = {1, -1};
  DeviceHead head;
  head.hidden = 2;
  head.matrix = weights.floats("head.matrix", matrix);
  head.bias = weights.floats("head.bias", bias);
  head.activation = kernels::ActivationKind::relu;
  head.output_weights = weights.floats("head.output", output);
  add_fold(weights, output, head);
  return head;
}

}  // namespace

SiameseRows::SiameseRows(std::shared_ptr<Device> device, Side side, std::int64_t count, std::int64_t length)
    : device_(std::move(device)), side_(side), count_(count), length_(length) {
  static std::atomic<std::uint64_t> next{1};
  id_ = next++;
}

RowBlock RowBlock::slice(std::int64_t begin, std::int64_t count) const {
  RowBlock result = *this;
  result.rows = {rows.values + begin * length, rows.scalars != nullptr ? rows.scalars + begin : nullptr, count};
  result.operand = static_cast<const std::byte*>(operand) + begin * operand_bytes;
  result.readable = readable - begin;
  result.norms = norms != nullptr ? norms + begin : nullptr;
  return result;
}

RowBlock SiameseRows::block() const {
  RowBlock result{.rows = matrix(0, count_), .length = length_, .readable = padded_size(count_)};
  const bool halves = !narrow.empty();
  result.operand = halves ? static_cast<const void*>(narrow.data()) : values.data();
  result.operand_bytes =
      halves ? narrow_length * size_of(device_->search_type()) : length_ * static_cast<std::int64_t>(sizeof(float));
  result.norms = norms.empty() ? result.rows.scalars : norms.data();
  return result;
}

kernels::RowMatrix SiameseRows::matrix(std::int64_t begin, std::int64_t count) const {
  return {values.data() + begin * length_, scalars.empty() ? nullptr : scalars.data() + begin, count};
}

DeviceHead upload_head(DeviceWeights& weights) {
  const DecisionHead read = read_decision_head(weights.model());
  if (read.layers.size() == 1 && !read.first().activation) return upload_sum(weights, read.first());
  DeviceHead head;
  head.hidden = read.hidden();
  head.matrix = weights.floats("head.matrix", read.first().weight);
  head.bias = weights.floats("head.bias", read.first().bias);
  head.activation = activation_of(read.first().activation);
  head.rest = read.rest;
  if (read.has_two_layers()) {
    head.output_weights = weights.floats("head.output", read.layers[1].weight);
    head.output_bias = read.layers[1].bias[0];
    add_fold(weights, read.layers[1].weight, head);
  }
  return head;
}

SiameseRowMaker::SiameseRowMaker(DeviceWeights& weights)
    : device_(weights.device()), name_(weights.model().spec.name), size_(branch_size(weights.model().spec)) {
  if (const auto* const metric = std::get_if<DecisionMetric>(&weights.model().spec.decision)) {
    if (metric->kind != DecisionMetric::Kind::l1) {
      narrow_ = narrow_products(*device_);
    } else if (takes_fused(*device_, "fused sum metric")) {
      differences_ =
          Differences{upload_difference(weights, size_, Side::left), upload_difference(weights, size_, Side::right)};
    }
  } else if (!weights.model().descriptor_only) {
    head_ = upload_head(weights);
  }
}

std::int64_t SiameseRowMaker::row_bytes() const {
  const kernels::HeadFold* const fold = fold_of(Side::left);
  const std::int64_t narrow = fold != nullptr ? fold->length : narrow_ ? size_ : 0;
  return ((head_ ? head_->hidden : size_) + 2) * 4 + narrow * size_of(device_->search_type());
}

const kernels::HeadFold* SiameseRowMaker::fold_of(Side side) const {
  if (head_ && head_->fold) return &head_->fold->fold;
  return differences_ ? &differences_->of(side).fold : nullptr;
}

HeldBuffer<float> SiameseRowMaker::project(const HeldBuffer<float>& descriptors, std::int64_t count, Side side) {
  HeldBuffer<float> result(device_, checked_multiply(padded_size(count), head_->hidden));
  if (count == 0) return result;
  auto found = std::find_if(projections_.begin(), projections_.end(), [&](const Projection& projection) {
    return projection.rows == count && projection.side == side;
  });
  if (found == projections_.end()) {
    MatrixProductRequest request{
        .rows = count, .inner = size_, .columns = head_->hidden, .right_transposed = true, .right_stride = 2 * size_};
    request.bias = side == Side::left;
    request.right_alignment = size_ % 4 == 0 ? 16 : 4;  // one half begins where the other ends
    constexpr std::size_t kMost = 4;
    if (projections_.size() >= kMost) projections_.erase(projections_.begin());
    projections_.push_back({count, side, std::make_shared<MatrixProduct>(device_->libraries, request)});
    found = std::prev(projections_.end());
  }
  HeldBuffer<std::byte> scratch(device_, found->product->workspace_bytes());
  const float* const half = head_->matrix + (side == Side::left ? 0 : size_);
  found->product->run(device_->stream(), {.left = descriptors.data(),
                                          .right = half,
                                          .bias = side == Side::left ? head_->bias : nullptr,
                                          .out = result.data(),
                                          .workspace = scratch.data()});
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
  kernels::row_scalars(device_->stream(), result->values.data(), count, length,
                       {.weights = sums           ? head_->output_weights
                                   : differences_ ? differences_->of(side).signs
                                                  : nullptr,
                        .bias = sums ? head_->output_bias : 0.0F,
                        .scalars = result->scalars.data(),
                        .first_bad = first_bad.data()});
  const kernels::HeadFold* const fold = fold_of(side);
  const NumberType type = device_->search_type();
  if (narrow_ || fold != nullptr) {
    result->narrow_length = fold != nullptr ? fold->length : length;
    result->narrow =
        HeldBuffer<std::byte>(device_, checked_multiply(padded_size(count), result->narrow_length * size_of(type)));
  }
  if (fold != nullptr) {
    result->norms = HeldBuffer<float>(device_, count);
    kernels::fold_rows(device_->stream(), result->values.data(), count, *fold,
                       {type, result->narrow.data(), result->norms.data()});
  } else if (narrow_) {
    kernels::convert(device_->stream(), result->values.data(), count * length, type, result->narrow.data());
  }
  unsigned long long bad = kNone;
  read_back(*device_, first_bad.data(), 1, &bad);
  if (bad != kNone) {
    throw NotFinite::of_descriptor(name_, static_cast<std::int64_t>(bad));
  }
  return result;
}

Backend::TileSize siamese_tile_size(const Model& model, std::int64_t memory) {
  // A row, the descriptor it was made from, and its copy in half precision.
  const std::int64_t rows = siamese_tile_rows(
      model.spec, memory, {.bytes_per_value = 12, .grain = 32, .smallest = 32, .largest = 32768, .largest_deep = 4096});
  return {rows, rows};
}

}  // namespace twinpatch::cuda
