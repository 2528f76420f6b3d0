// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device.hpp"
#include "library/matrix_product.hpp"
#include "plan/head_fold.hpp"
#include "plan/layer_plan.hpp"

// Siamese and pseudo-siamese networks: rows of vectors, and what decides on two of them.

namespace twinpatch::cuda {

/// Rounded up to one of few sizes, eight an octave: products of matrices are planned for these alone. At most an eighth
/// more, multiples of eight.
[[nodiscard]] constexpr std::int64_t padded_size(std::int64_t count) {
  std::int64_t step = 8;
  while (16 * step < count) step *= 2;
  return (count + step - 1) / step * step;
}

/// Rows of one side as kernels and products read them. Owns nothing.
struct RowBlock {
  kernels::RowMatrix rows;
  std::int64_t length = 0;         ///< of a row
  const void* operand = nullptr;   ///< of products: the values, [readable, length] in the device's type
  std::int64_t operand_bytes = 0;  ///< of one row there
  std::int64_t readable = 0;       ///< rows that may be read, those after rows.count being of no value
  const float* norms = nullptr;    ///< [count], see kernels::NarrowRows; null where fused kernels have no use for them

  [[nodiscard]] RowBlock slice(std::int64_t begin, std::int64_t count) const;
};

/// Rows of siamese networks on one device: [N, D] descriptors for metrics; [N, H] P (left) or Q (right) for decision
/// layers.
class SiameseRows final : public Rows {
 public:
  SiameseRows(std::shared_ptr<Device> device, Side side, std::int64_t count, std::int64_t length);
  [[nodiscard]] std::int64_t size() const override { return count_; }
  [[nodiscard]] std::int64_t bytes() const override {
    return values.bytes() + scalars.bytes() + narrow.bytes() + norms.bytes();
  }
  [[nodiscard]] Side side() const override { return side_; }
  [[nodiscard]] const std::shared_ptr<Device>& device() const { return device_; }
  [[nodiscard]] std::int64_t length() const { return length_; }
  /// Rows [begin, begin + count) as kernels read them.
  [[nodiscard]] kernels::RowMatrix matrix(std::int64_t begin, std::int64_t count) const;
  [[nodiscard]] RowBlock block() const;
  /// Never given to other rows of this process, unlike their address.
  [[nodiscard]] std::uint64_t id() const { return id_; }

  HeldBuffer<float> values;      ///< [padded_size(N), length], the last ones of no value
  HeldBuffer<float> scalars;     ///< [N]: ‖v‖² for metrics; Σ_k w_k Q_k + bias on the right of a two-layer head;
                                 ///< ±Σ_k v_k where l1 is searched by a fused kernel
  HeldBuffer<std::byte> narrow;  ///< [padded_size(N), narrow_length] in half precision, where grids are searched with
                                 ///< it; else empty: as `values`, or folded for fused kernels of heads and l1
  std::int64_t narrow_length = 0;
  HeldBuffer<float> norms;  ///< [N] of folded rows

 private:
  std::shared_ptr<Device> device_;
  Side side_;
  std::int64_t count_;
  std::int64_t length_;
  std::uint64_t id_;
};

/// The decision layers of a siamese network (twinpatch/net/decision_head.hpp) on a device: the first layer, which is
/// linear in the two halves, apart from the rest.
struct DeviceHead {
  const float* matrix = nullptr;  ///< on the device: [hidden, 2 · vector], left half first
  const float* bias = nullptr;    ///< [hidden]
  std::int64_t hidden = 0;
  kernels::ActivationKind activation = kernels::ActivationKind::none;  ///< after the first layer
  std::size_t rest = 0;                                                ///< first decision layer after that
  /// Linear - ReLU - Linear(1), or Linear(1) read as that: weights [hidden] and bias of the last layer, for which
  /// there is a kernel of its own.
  const float* output_weights = nullptr;
  float output_bias = 0;
  std::optional<DeviceFold> fold;  ///< of those weights, where fused kernels run on this device
};

/// Throws InvalidArgument as read_decision_head() does.
[[nodiscard]] DeviceHead upload_head(DeviceWeights& weights);

/// Descriptors on the device → rows.
class SiameseRowMaker {
 public:
  /// A descriptor-only model gives rows that hold the descriptors alone.
  explicit SiameseRowMaker(DeviceWeights& weights);
  /// `descriptors` [padded_size(count), D], the first `count` already L2-normalised where the metric says so. Within a
  /// turn. Waits for the device. Throws NotFinite with the row.
  [[nodiscard]] std::shared_ptr<const Rows> rows(HeldBuffer<float> descriptors, std::int64_t count, Side side);
  /// Bytes of one row on its side (the larger of the two).
  [[nodiscard]] std::int64_t row_bytes() const;

 private:
  /// How rows of a side are folded; null: they are not.
  [[nodiscard]] const kernels::HeadFold* fold_of(Side side) const;
  [[nodiscard]] HeldBuffer<float> project(const HeldBuffer<float>& descriptors, std::int64_t count, Side side);

  std::shared_ptr<Device> device_;
  std::string name_;
  std::int64_t size_ = 0;
  bool narrow_ = false;
  std::optional<DeviceHead> head_;
  struct Differences {
    DeviceDifference left, right;
    [[nodiscard]] const DeviceDifference& of(Side side) const { return side == Side::left ? left : right; }
  };
  std::optional<Differences> differences_;  ///< of l1, where a fused kernel runs on this device
  /// Of the number of rows that came last: blocks of a grid are all of one size.
  struct Projection {
    std::int64_t rows = 0;
    Side side = Side::left;
    std::shared_ptr<MatrixProduct> product;
  };
  std::vector<Projection> projections_;
};

[[nodiscard]] std::unique_ptr<BranchExecutor> make_siamese_branch(std::shared_ptr<Device> device,
                                                                  std::shared_ptr<const Model> model);
/// Rows per side of one tile that keep a siamese grid within `memory` bytes.
[[nodiscard]] Backend::TileSize siamese_tile_size(const Model& model, std::int64_t memory);

}  // namespace twinpatch::cuda
