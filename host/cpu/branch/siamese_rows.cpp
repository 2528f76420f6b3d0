// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "branch/siamese_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "kernels/screen_kernels.hpp"
#include "plan/packed_linear.hpp"
#include "twinpatch/backend/check_rows.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/decision_head.hpp"

namespace twinpatch::cpu {
namespace {

bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7f800000U;
  std::uint32_t bad = 0;
  for (const float value : values) bad |= (std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent ? 1U : 0U;
  return bad == 0;
}

/// The first decision layer, W_left·left + W_right·right + b.
struct FirstLayer {
  PackedLinear left;   ///< W_left and b
  PackedLinear right;  ///< W_right
  /// Of a head of two layers: what its second one makes of the right half alone. Else empty.
  std::vector<float> output_weights;
  float output_bias = 0;

  explicit FirstLayer(const DecisionHead& head) {
    const DecisionHead::Layer& first = head.first();
    left = PackedLinear(first.weight.data(), first.in, first.out, head.half(), first.bias);
    right = PackedLinear(first.weight.data() + head.half(), first.in, first.out, head.half(), {});
    if (!head.has_two_layers()) return;
    output_weights.assign(head.layers[1].weight.begin(), head.layers[1].weight.end());
    output_bias = head.layers[1].bias[0];
  }
  [[nodiscard]] std::int64_t hidden() const { return left.out(); }
};

class RowMaker final : public SiameseRowMaker {
 public:
  RowMaker(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model)
      : context_(std::move(context)), model_(std::move(model)), size_(branch_size(model_->spec)) {
    if (std::holds_alternative<DecisionLayers>(model_->spec.decision) && !model_->descriptor_only) {
      first_.emplace(read_decision_head(*model_));
    }
  }

  std::shared_ptr<const Rows> rows(Matrix descriptors, Side side) override {
    if (descriptors.columns() != size_ && descriptors.rows() > 0) {
      throw ShapeError(fmt::format("network {} has descriptors of length {}, these have {}", model_->spec.name, size_,
                                   descriptors.columns()));
    }
    auto result = std::make_shared<SiameseRows>();
    result->its_side = side;
    result->values = first_ ? project(descriptors.view(), side) : std::move(descriptors);
    check_finite(result->values);
    if (!first_) {
      result->scalars = squared_norms(result->values);
    } else if (!first_->output_weights.empty()) {
      if (side == Side::right) result->scalars = weighted_sums(result->values);
      find_ranges(*result);
    }
    return result;
  }

  std::int64_t row_bytes() const override { return ((first_ ? first_->hidden() : size_) + 1) * 4; }

 private:
  Matrix project(MatrixView descriptors, Side side) {
    const PackedLinear& layer = side == Side::left ? first_->left : first_->right;
    Matrix result(descriptors.rows, layer.out());
    context_->pool.for_ranges(descriptors.rows, kStripRows, [&](std::int64_t begin, std::int64_t end, int) {
      layer.run(descriptors.data + begin * descriptors.columns, descriptors.columns, end - begin,
                result.row(begin).data(), layer.out());
    });
    return result;
  }

  void check_finite(const Matrix& values) {
    context_->pool.for_ranges(values.rows(), 1024, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) {
        if (!all_finite(values.row(i))) {
          throw NotFinite::of_descriptor(model_->spec.name, i);
        }
      }
    });
  }

  void find_ranges(SiameseRows& rows) {
    const std::int64_t depth = rows.values.columns();
    const auto reset = [depth](std::vector<float>& values, float value) {
      values.assign(static_cast<std::size_t>(depth), value);
    };
    reset(rows.low, std::numeric_limits<float>::infinity());
    reset(rows.high, -std::numeric_limits<float>::infinity());
    const std::int64_t count = rows.values.rows();
    for (std::int64_t i = 0; i < count; ++i) {
      screen_tools().extend(rows.values.row(i).data(), depth, rows.low.data(), rows.high.data());
    }
  }

  template <class Function>
  Buffer<float> of_each(const Matrix& values, const Function& function) {
    Buffer<float> result(values.rows());
    context_->pool.for_ranges(values.rows(), 1024, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) result[i] = static_cast<float>(function(values.row(i)));
    });
    return result;
  }

  Buffer<float> weighted_sums(const Matrix& values) {
    return of_each(values, [this](std::span<const float> row) {
      double sum = first_->output_bias;
      for (std::size_t k = 0; k < row.size(); ++k) sum += double{first_->output_weights[k]} * row[k];
      return sum;
    });
  }

  Buffer<float> squared_norms(const Matrix& values) {
    return of_each(values, [](std::span<const float> row) {
      double sum = 0;
      for (const float value : row) sum += double{value} * value;
      return sum;
    });
  }

  std::shared_ptr<CpuContext> context_;
  std::shared_ptr<const Model> model_;
  std::int64_t size_;
  std::optional<FirstLayer> first_;
};

}  // namespace

const SiameseRows& siamese_rows(const Rows& rows, Side side, const std::string& network) {
  const auto* result = dynamic_cast<const SiameseRows*>(&rows);
  if (result == nullptr) refuse_rows(network);
  check_side(network, side, result->side());
  return *result;
}

std::unique_ptr<SiameseRowMaker> make_siamese_row_maker(std::shared_ptr<CpuContext> context,
                                                        std::shared_ptr<const Model> model) {
  return std::make_unique<RowMaker>(std::move(context), std::move(model));
}

}  // namespace twinpatch::cpu
