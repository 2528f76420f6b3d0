// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "grid/selection.hpp"
#include "list/pair_buffers.hpp"
#include "plan/deep_head.hpp"
#include "siamese.hpp"
#include "twinpatch/core/error.hpp"

// A grid of a learned decision is scored by a kernel of our own; of a metric, by a matrix product and the norms, which
// gives bounds cheaply, and whatever reaches its limit is scored again from the rows (kernels::Rescoring): what is kept
// is what a full matrix of scores of listed pairs would give, in every precision.

namespace twinpatch::cuda {
namespace {

using kernels::PairOperation;

/// Scores of a tile that are in memory at once.
constexpr std::int64_t kTileScores = std::int64_t{1} << 27;
constexpr std::int64_t kTileColumns = 16384;

PairOperation operation_of(DecisionMetric::Kind kind) {
  switch (kind) {
    case DecisionMetric::Kind::l2:
      return PairOperation::l2;
    case DecisionMetric::Kind::l1:
      return PairOperation::l1;
    case DecisionMetric::Kind::cosine:
      break;
  }
  return PairOperation::dot;
}

/// Matrix products of the tiles that came last: the whole ones and those at the edges.
class TileProducts {
 public:
  explicit TileProducts(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  /// out[i, j] = left row i · right row j, enqueued; `out` [rows, columns] dense.
  void run(const SiameseRows& left, std::int64_t row, std::int64_t rows, const SiameseRows& right, std::int64_t column,
           std::int64_t columns, float* out) {
    MatrixProductRequest request{.rows = rows, .inner = left.length(), .columns = columns, .right_transposed = true};
    request.precision = device_->options.precision;
    const std::int64_t row_bytes = left.length() * size_of(device_->type);
    const auto aligned = [](std::int64_t bytes) { return bytes % 16 == 0; };
    request.alignment = aligned(row_bytes) && aligned(columns * 4) ? 16 : static_cast<int>(size_of(device_->type));
    const auto at = [&](const SiameseRows& of, std::int64_t first) -> const void* {
      if (of.narrow.empty()) return of.values.data() + first * of.length();
      return of.narrow.data() + first * row_bytes;
    };
    const MatrixProduct& product = find(request);
    HeldBuffer<std::byte> scratch(device_, product.workspace_bytes());
    product.run(device_->stream(), at(left, row), at(right, column), nullptr, out, scratch.data());
  }

 private:
  const MatrixProduct& find(const MatrixProductRequest& request) {
    for (const auto& product : products_) {
      const MatrixProductRequest& known = product->request();
      if (known.rows == request.rows && known.columns == request.columns && known.alignment == request.alignment) {
        return *product;
      }
    }
    constexpr std::size_t kMost = 8;
    if (products_.size() >= kMost) products_.erase(products_.begin());
    products_.push_back(std::make_unique<MatrixProduct>(device_->libraries, request));
    return *products_.back();
  }

  std::shared_ptr<Device> device_;
  std::vector<std::unique_ptr<MatrixProduct>> products_;  ///< all of one length
};

class SiameseScorer final : public PairScorer {
 public:
  SiameseScorer(std::shared_ptr<Device> device, std::shared_ptr<const Model> model)
      : device_(std::move(device)), weights_(device_, std::move(model)), products_(device_), transfer_(device_) {
    const NetworkSpec& spec = weights_.model().spec;
    length_ = branch_size(spec);
    const Turn turn(*device_);
    if (const auto* metric = std::get_if<DecisionMetric>(&spec.decision)) {
      operation_ = operation_of(metric->kind);
      set_bounds();
    } else {
      head_ = read_head(weights_);
      length_ = head_->hidden;
      if (head_->output_weights == nullptr) deep_ = std::make_unique<DeepHead>(weights_, *head_);
    }
  }

  void score_list(const Rows& left_rows, const Rows& right_rows, std::span<const IndexPair> pairs,
                  std::span<float> scores, const RunControl& control) override {
    const SiameseRows& left = siamese(left_rows, Side::left);
    const SiameseRows& right = siamese(right_rows, Side::right);
    if (pairs.empty()) return;
    const Turn turn(*device_);
    with_less_memory(
        kListPart,
        [&](std::int64_t part) {
          score_parts(device_, transfer_, pairs, scores, part, control,
                      [&](const std::int32_t* listed, std::int64_t count, float* results) {
                        static const RangeName kPairs(Stage::compute, "score_pairs");
                        const Range range(kPairs, {.pairs = count, .bytes = count * 2 * length_ * 4});
                        device_->computing.begin(device_->stream());
                        list(left, right, listed, count, results);
                        device_->computing.end(device_->stream());
                      });
        },
        [&] { release(); });
    account(std::ssize(pairs), 0, 0);
  }

  void score_tile(PlacedRows placed_left, std::span<const PlacedRows> parts, Selection& selection,
                  const RunControl& control) override {
    for (const PlacedRows& part : parts) score_part(placed_left, part, selection, control);
  }

  void score_part(PlacedRows placed_left, PlacedRows placed_right, Selection& selection, const RunControl& control) {
    const SiameseRows& left = siamese(*placed_left.rows, Side::left);
    const SiameseRows& right = siamese(*placed_right.rows, Side::right);
    const std::int64_t first_row = placed_left.first;
    const std::int64_t first_column = placed_right.first;
    auto* const target = dynamic_cast<DeviceSelection*>(&selection);
    if (target == nullptr || target->device() != device_.get()) {
      throw InvalidArgument("scores of a CUDA device cannot go into a selection of another backend");
    }
    target->check_tile(first_row, left.size(), first_column, right.size());
    if (left.size() == 0 || right.size() == 0) return;
    const Turn turn(*device_);
    with_less_memory(
        tile_scores(),
        [&](std::int64_t most) {
          for_tiles(left, right, most, control, true, [&](const kernels::ValueTile& tile) {
            kernels::ValueTile placed = tile;
            placed.first_row += first_row;
            placed.first_column += first_column;
            const kernels::Rescoring rescoring = rescore(left, right, tile);
            device_->selecting.begin(device_->stream());
            target->take(placed, head_ ? nullptr : &rescoring);
            device_->selecting.end(device_->stream());
          });
        },
        [&] { release(); });
    const std::int64_t pairs = left.size() * right.size();
    account(pairs, 4 * pairs, (target->request().column_best ? 8 : 4) * pairs);
  }

  void score_block(const Rows& left_rows, const Rows& right_rows, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    const SiameseRows& left = siamese(left_rows, Side::left);
    const SiameseRows& right = siamese(right_rows, Side::right);
    if (left.size() == 0 || right.size() == 0) return;
    const Turn turn(*device_);
    constexpr std::int64_t kWritten = std::int64_t{1} << 22;  // scores a pinned slot holds
    with_less_memory(
        std::min(tile_scores(), kWritten),
        [&](std::int64_t most) {
          constexpr auto kBytes = static_cast<std::int64_t>(sizeof(float));
          transfer_.delivery.start();
          for_tiles(left, right, most, control, false, [&](const kernels::ValueTile& tile) {
            transfer_.delivery.take(tile.values, tile.rows, tile.columns * kBytes,
                                    scores + tile.first_row * stride + tile.first_column, stride * kBytes);
          });
          transfer_.delivery.finish();
          device_->finish();
        },
        [&] { release(); });
    account(left.size() * right.size(), 4 * left.size() * right.size(), 0);
  }

 private:
  [[nodiscard]] const std::string& name() const { return weights_.model().spec.name; }

  const SiameseRows& siamese(const Rows& rows, Side side) const {
    const auto* result = dynamic_cast<const SiameseRows*>(&rows);
    if (result == nullptr || result->device() != device_ || result->length() != length_) {
      throw InvalidArgument(fmt::format("network {}: these rows were made by another backend or network", name()));
    }
    if (result->side() != side) {
      throw InvalidArgument(fmt::format("network {}: rows of the {} side stand on the {}", name(),
                                        side == Side::left ? "right" : "left", side == Side::left ? "left" : "right"));
    }
    return *result;
  }

  /// How far values of matrix products may lie below what they stand for. (length + 8) · 2⁻²⁴ bounds the rounding of a
  /// sum of products in float, in units of ‖a‖² + ‖b‖² (Higham 2002, section 3.1; Σ|a_k b_k| ≤ ½(‖a‖² + ‖b‖²));
  /// operands rounded by a relative u add u, and what fp16 loses below its smallest normal number 2⁻²⁵ a value.
  void set_bounds() {
    const auto length = static_cast<double>(length_);
    slack_ = (length + 8) * 0x1p-24;
    switch (device_->options.precision) {
      case Precision::tf32:
        slack_ += 1.1 * 0x1p-10;
        break;
      case Precision::fp16:
        slack_ += 1.1 * 0x1p-11 + 0x1p-26 * std::sqrt(length);
        margin_ = static_cast<float>(0x1p-25 * std::sqrt(length));
        break;
      case Precision::bf16:
        slack_ += 1.1 * 0x1p-8;
        break;
      default:
        break;
    }
  }

  [[nodiscard]] kernels::Rescoring rescore(const SiameseRows& left, const SiameseRows& right,
                                           const kernels::ValueTile& tile) const {
    const double share = operation_ == PairOperation::l2 ? slack_ - 0.5 : slack_;
    return {.operation = operation_,
            .left = left.matrix(tile.first_row, tile.rows),
            .right = right.matrix(tile.first_column, tile.columns),
            .length = length_,
            .share = static_cast<float>(share),
            .margin = margin_,
            .slack = (static_cast<double>(length_) + 8) * 0x1p-24};
  }

  [[nodiscard]] std::int64_t tile_scores() const {
    return std::clamp<std::int64_t>(device_->context.pool().bound() / 4 / 4, 1, kTileScores);
  }

  void list(const SiameseRows& left, const SiameseRows& right, const std::int32_t* pairs, std::int64_t count,
            float* scores) {
    const kernels::RowMatrix a = left.matrix(0, left.size());
    const kernels::RowMatrix b = right.matrix(0, right.size());
    if (deep_ != nullptr) {
      deep_->score(a, b, pairs, count, scores);
    } else {
      kernels::score_pairs(device_->stream(), operation_, a, b, length_, head_ ? head_->output_weights : nullptr,
                           head_ ? head_->output_bias : 0.0F, pairs, count, scores);
    }
  }

  /// Values of tiles that cover left × right, at most `most` at a time, each given to take(tile) when it is enqueued;
  /// first_row and first_column of a tile count from 0. `bounds`: for selections, see Rescoring; else scores.
  template <class Take>
  void for_tiles(const SiameseRows& left, const SiameseRows& right, std::int64_t most, const RunControl& control,
                 bool bounds, const Take& take) {
    const std::int64_t columns = std::min({right.size(), kTileColumns, most});
    const std::int64_t rows = std::clamp<std::int64_t>(most / columns, 1, left.size());
    HeldBuffer<float> values(device_, rows * columns);
    HeldBuffer<std::int32_t> pairs(device_, deep_ != nullptr ? 2 * rows * columns : 0);
    for (std::int64_t row = 0; row < left.size(); row += rows) {
      for (std::int64_t column = 0; column < right.size(); column += columns) {
        control.check();
        device_->profile.next_batch();
        kernels::ValueTile tile{.values = values.data(),
                                .stride = std::min(columns, right.size() - column),
                                .rows = std::min(rows, left.size() - row),
                                .columns = std::min(columns, right.size() - column),
                                .first_row = row,
                                .first_column = column};
        static const RangeName kTile(Stage::compute, "score_tile");
        const std::int64_t scores = tile.rows * tile.columns;
        std::optional<Range> range(std::in_place, kTile, Amount{.pairs = scores, .bytes = 4 * scores});
        device_->computing.begin(device_->stream());
        fill(left, right, tile, bounds, values.data(), pairs.data());
        device_->computing.end(device_->stream());
        range.reset();
        take(tile);
      }
    }
  }

  void fill(const SiameseRows& left, const SiameseRows& right, const kernels::ValueTile& tile, bool bounds,
            float* values, std::int32_t* pairs) {
    const kernels::RowMatrix a = left.matrix(tile.first_row, tile.rows);
    const kernels::RowMatrix b = right.matrix(tile.first_column, tile.columns);
    if (deep_ != nullptr) {
      kernels::enumerate_pairs(device_->stream(), 0, tile.rows * tile.columns, tile.columns, 0, 0, pairs);
      deep_->score(a, b, pairs, tile.rows * tile.columns, values);
    } else if (bounds && (operation_ == PairOperation::l2 || operation_ == PairOperation::dot)) {
      products_.run(left, tile.first_row, tile.rows, right, tile.first_column, tile.columns, values);
    } else {
      kernels::grid_tile(device_->stream(), operation_, a, b, length_, head_ ? head_->output_weights : nullptr, values,
                         tile.stride);
    }
  }

  void release() {
    if (deep_ != nullptr) deep_ = std::make_unique<DeepHead>(weights_, *head_);
    transfer_.delivery.start();
  }

  void account(std::int64_t pairs, std::int64_t written, std::int64_t read) {
    const double operations =
        deep_ != nullptr ? deep_->operations() : (head_ ? 3.0 : 2.0) * static_cast<double>(length_);
    device_->statistics.add_pairs(pairs, operations * static_cast<double>(pairs));
    device_->statistics.add(Stage::compute, 0, written);
    device_->statistics.add(Stage::select, 0, read);
  }

  std::shared_ptr<Device> device_;
  DeviceWeights weights_;
  PairOperation operation_ = PairOperation::head;
  std::int64_t length_ = 0;  ///< of a row
  std::optional<DecisionHead> head_;
  std::unique_ptr<DeepHead> deep_;  ///< heads that have no kernel of their own
  double slack_ = 0;
  float margin_ = 0;
  TileProducts products_;
  ListTransfer transfer_;
};

}  // namespace

std::unique_ptr<PairScorer> make_siamese_scorer(std::shared_ptr<Device> device, std::shared_ptr<const Model> model) {
  return std::make_unique<SiameseScorer>(std::move(device), std::move(model));
}

}  // namespace twinpatch::cuda
