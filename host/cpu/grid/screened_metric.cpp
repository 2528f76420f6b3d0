// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "grid/screen.hpp"
#include "plan/exact_metric.hpp"
#include "twinpatch/net/siamese_grid.hpp"

// l2 and cosine in 8 bits. Rows are α·l + e and β·r + f with integers l and r, a step for each row, and what rounding
// lost, e and f. Then
//     a·b = αβ·Σ l·r + (α·l)·f + e·b
// and by Cauchy and Schwarz the last two are at most ε = ‖α·l‖‖f‖ + ‖e‖‖b‖. The norms of e and f are measured row by
// row, not bounded by half a step, which makes ε √3 times smaller; ‖α·l‖ and ‖b‖ are replaced by the largest of the
// tile, so that ε is a sum of a row's share and a column's. For l2 what the score comes from is
//     −½‖a − b‖² = a·b − ½‖a‖² − ½‖b‖²,
// and half the squared norms join the shares. Bytes of left rows are l + z, not negative: sums start from −z·Σ r.

namespace twinpatch::cpu {
namespace {

/// Measured norms of losses are sums in single precision: at most this much too small, for up to kLongestScreened
/// terms.
constexpr double kNormError = 1.001;
/// Norms between which the bounds and their squares are numbers of single precision with all their digits.
constexpr double kSmallestNorm = 1e-12;
constexpr double kLargestNorm = 1e15;
/// Values are found from sums, scales, constants and offsets in six roundings, and levels and widths are rounded to
/// single precision: less than this, in units of the largest norms.
constexpr double kValueError = 0x1p-20;

double largest_norm(const SiameseRows& rows) {
  const auto squares = rows.scalars.span();
  const auto largest = std::max_element(squares.begin(), squares.end());
  return largest == squares.end() ? 0 : std::sqrt(*largest * (1 + 0x1p-23));
}

class MetricScreen final : public Screen {
 public:
  MetricScreen(DecisionMetric::Kind kind, std::int64_t length, const ScreenKernels& kernels)
      : exact_(kind), kernels_(kernels), length_(length), norm_share_(kind == DecisionMetric::Kind::l2 ? 0.5 : 0.0) {}

  bool prepare(const SiameseRows& left, std::span<const SiameseRows* const> right) override {
    largest_left_ = largest_norm(left);
    largest_right_ = 0;
    for (const SiameseRows* rows : right) largest_right_ = std::max(largest_right_, largest_norm(*rows));
    // Squared norms are rounded too, to 2⁻²³ of themselves.
    value_error_ = kValueError * (largest_left_ + largest_right_) * (largest_left_ + largest_right_);
    const auto fits = [](double norm) { return norm >= kSmallestNorm && norm <= kLargestNorm; };
    return fits(largest_left_) && fits(largest_right_) && length_ <= kLongestScreened;
  }

  ScreenScale scale() const override {
    // needed() of the metrics: −½s² and s, with what the score's own rounding may hide.
    if (norm_share_ > 0) return {.squared = 0.5F * (1 + 1e-6F)};
    return {.linear = 1, .slack = 1e-6F};
  }

  ScreenedRow store_left(const SiameseRows& rows, std::int64_t i, std::uint8_t* stored) const override {
    const QuantisedRow row = tools_.quantise(rows.values.row(i).data(), length_, kernels_.levels, zero(), stored);
    const double loss = largest_right_ * loss_norm(row);
    return {.scale = row.scale,
            .level = static_cast<float>(norm_share_ * rows.scalars[i] - loss - value_error_),
            .width = width(loss)};
  }

  ScreenedRow store_right(const SiameseRows& rows, std::int64_t j, std::uint8_t* stored) const override {
    const QuantisedRow row = tools_.quantise(rows.values.row(j).data(), length_, 127, 0, stored);
    const double left_step = largest_left_ / kernels_.levels;
    // ‖α·l‖ ≤ ‖a‖ + ‖e‖, and no loss is more than half a step.
    const double left_norm = largest_left_ + left_step * std::sqrt(static_cast<double>(length_));
    const double loss = left_norm * loss_norm(row);
    return {.scale = row.scale,
            .level = static_cast<float>(loss - norm_share_ * rows.scalars[j] + value_error_),
            .width = width(loss),
            .start = -zero() * row.sum};
  }

  void multiply(const ScreenWork& work, std::int32_t* sums) const override { kernels_.dot(work, sums); }

  float bound(const ScreenedPair& /*pair*/) const override { return std::numeric_limits<float>::infinity(); }

  void score(std::span<const ScreenedPair> pairs, float* scores) const override {
    for (const ScreenedPair& pair : pairs) {
      *scores++ = exact_(pair.left->values.row(pair.i).data(), pair.right->values.row(pair.j).data(), length_);
    }
  }

 private:
  [[nodiscard]] std::int32_t zero() const { return kernels_.levels + 1; }
  [[nodiscard]] double loss_norm(const QuantisedRow& row) const {
    const double root = std::sqrt(static_cast<double>(length_));
    if (row.scale == 0) return row.peak * root;                                    // all is lost
    return kNormError * std::sqrt(row.squared_loss) + 0x1p-16 * row.scale * root;  // each is computed to 2⁻¹⁶ steps
  }
  /// From the upper to the lower bound: the loss to either side.
  [[nodiscard]] float width(double loss) const { return static_cast<float>(2 * loss + 3 * value_error_); }

  ExactMetric exact_;
  const ScreenKernels& kernels_;
  const ScreenTools& tools_ = screen_tools();
  std::int64_t length_;
  double norm_share_;         ///< of squared norms in what the score comes from
  double largest_left_ = 0;   ///< norm
  double largest_right_ = 0;  ///< norm
  double value_error_ = 0;
};

}  // namespace

std::unique_ptr<Screen> make_metric_screen(DecisionMetric::Kind kind, std::int64_t length,
                                           const ScreenKernels& kernels) {
  return std::make_unique<MetricScreen>(kind, length, kernels);
}

std::unique_ptr<GridStrategy> make_screened_metric_grid(std::shared_ptr<CpuContext> context,
                                                        std::shared_ptr<const Model> model) {
  const auto kind = std::get<DecisionMetric>(model->spec.decision).kind;
  const std::int64_t length = branch_size(model->spec);
  const ScreenKernels& kernels = *context->screen;
  ScreenedParts parts;
  parts.screen = make_metric_screen(kind, length, kernels);
  parts.kernels = &kernels;
  parts.scoring = make_metric_scoring(kind, length);
  parts.full = make_metric_grid(context, model);
  return make_screened_grid(context, model->spec.name, std::move(parts));
}

}  // namespace twinpatch::cpu
