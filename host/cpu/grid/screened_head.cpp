// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "grid/screen.hpp"
#include "twinpatch/net/decision_head.hpp"

// Linear - ReLU - Linear(1) in 8 bits: constant_j + Σ_k w_k · max(p_ik, −q_jk), as two_layer_head.cpp sums it.
// In dimension k both p and −q are low_k + step_k · level plus a loss. Steps are chosen so that |w_k| · step_k is a
// whole multiple m_k of one unit: then the weights ±m_k are exact, and only the rows lose something. As
//     max(p, −q) − max(p̂, −q̂) lies between the losses d of p and e of −q,
// w times it is at most max(w·d, 0) + max(w·e, 0): sums of the positive parts of losses, measured row by row, bound the
// score from above, those of the negative parts from below. The single-precision sum of K terms that is the score
// itself differs from the true one by at most (K + 4) · 2⁻²⁴ · Σ|w|(|p| + |q|) (Higham 2002, section 3.1).

namespace twinpatch::cpu {
namespace {

/// Losses are sums in single precision: at most this much too small, for up to kLongestScreened terms.
constexpr double kSumError = 1.001;
/// Of both sides' bytes.
constexpr std::int32_t kLevels = 255;
/// Units and steps outside are not for single precision.
constexpr double kSmallestUnit = 1e-25;
constexpr double kLargestUnit = 1e25;
constexpr double kSmallestStep = 1e-30;
constexpr double kLargestStep = 1e30;

class HeadScreen final : public Screen {
 public:
  HeadScreen(const DecisionHead& head, const ScreenKernels& kernels)
      : kernels_(kernels),
        weights_(head.layers.at(1).weight.begin(), head.layers.at(1).weight.end()),
        bias_(head.layers.at(1).bias[0]),
        rounding_(1.01 * static_cast<double>(weights_.size() + 4) * 0x1p-24),
        low_(weights_.size()),
        step_(weights_.size()) {}

  bool prepare(const SiameseRows& left, std::span<const SiameseRows* const> right) override {
    std::vector<float> high(left.high);
    low_ = left.low;
    double largest_constant = 0;
    for (const SiameseRows* rows : right) {
      if (rows->size() == 0) continue;
      for (std::size_t k = 0; k < low_.size(); ++k) {
        low_[k] = std::min(low_[k], -rows->high[k]);
        high[k] = std::max(high[k], -rows->low[k]);
      }
      for (const float constant : rows->scalars.span()) {
        largest_constant = std::max(largest_constant, std::fabs(double{constant}));
      }
    }
    return choose_steps(high) && find_errors(high, largest_constant);
  }

  ScreenScale scale() const override { return {.linear = 1}; }

  ScreenedRow store_left(const SiameseRows& rows, std::int64_t i, std::uint8_t* stored) const override {
    const HeadLoss loss = tools_.quantise_head(rows.values.row(i).data(), 1, length(), steps(), stored);
    return {.scale = 1,
            .level = static_cast<float>(-margin(loss.above, loss.magnitude)),
            .width = static_cast<float>(margin(loss.above, loss.magnitude) + margin(loss.below, loss.magnitude))};
  }

  ScreenedRow store_right(const SiameseRows& rows, std::int64_t j, std::uint8_t* stored) const override {
    const HeadLoss loss = tools_.quantise_head(rows.values.row(j).data(), -1, length(), steps(), stored);
    const double constant = rows.scalars[j];
    const double magnitude = loss.magnitude + std::fabs(constant);
    return {.scale = static_cast<float>(unit_),
            .level = static_cast<float>(constant + sum_of_lows_ + margin(loss.above, magnitude)),
            .width = static_cast<float>(margin(loss.above, magnitude) + margin(loss.below, magnitude))};
  }

  void multiply(const ScreenWork& work, std::int32_t* sums) const override {
    ScreenWork weighted = work;
    weighted.weights = multiples_.data();
    kernels_.head(weighted, sums);
  }

  float bound(const ScreenedPair& pair) const override {
    const float* const left = pair.left->values.row(pair.i).data();
    const float* const right = pair.right->values.row(pair.j).data();
    return bias_ + grid_.head_pair(left, right, weights_.data(), length()) + quick_error_;
  }

  void score(std::span<const ScreenedPair> pairs, float* scores) const override {
    if (pairs.empty()) return;
    HeadPairs work{.weights = weights_.data(), .depth = length()};
    for (std::size_t n = 0; n < kScreenBatch; ++n) {
      const ScreenedPair& pair = pairs[std::min(n, pairs.size() - 1)];
      work.left[n] = pair.left->values.row(pair.i).data();
      work.right[n] = pair.right->values.row(pair.j).data();
      work.constants[n] = pair.right->scalars[pair.j];
    }
    float all[kScreenBatch];
    grid_.head_pairs(work, all);
    std::copy_n(all, pairs.size(), scores);
  }

 private:
  [[nodiscard]] std::int64_t length() const { return std::ssize(weights_); }
  [[nodiscard]] HeadSteps steps() const { return {low_.data(), step_.data(), weights_.data(), kLevels}; }

  bool choose_steps(const std::vector<float>& high) {
    double largest = 0;
    for (std::size_t k = 0; k < low_.size(); ++k) {
      largest = std::max(largest, std::fabs(double{weights_[k]}) * (double{high[k]} - low_[k]));
    }
    const double most = kernels_.multiples;
    unit_ = largest / (kLevels * most);
    if (!(unit_ >= kSmallestUnit && unit_ <= kLargestUnit)) return false;
    multiples_.assign(static_cast<std::size_t>(round_up(length(), kernels_.grain)), 0);
    sum_of_lows_ = 0;
    for (std::size_t k = 0; k < low_.size(); ++k) {
      const double weight = std::fabs(double{weights_[k]});
      const double range = double{high[k]} - low_[k];
      double multiple = std::clamp(std::ceil(weight * range / (kLevels * unit_)), 1.0, most);
      double step = multiple * unit_ / weight;
      if (step > kLargestStep) {  // hardly a weight: all levels are 0, and all of the values counts as lost
        step = kLargestStep;
        multiple = 0;
      }
      if (step < kSmallestStep || range > 0.1 * kLargestStep) return false;
      step_[k] = static_cast<float>(step);
      multiples_[k] = static_cast<std::int8_t>(weights_[k] < 0 ? -multiple : multiple);
      sum_of_lows_ += double{weights_[k]} * low_[k];
    }
    return true;
  }

  bool find_errors(const std::vector<float>& high, double largest_constant) {
    double magnitude = 0;  // at least Σ|w|·|p| and Σ|w|·|q|
    for (std::size_t k = 0; k < low_.size(); ++k) {
      const double size = std::max(std::fabs(double{low_[k]}), std::fabs(double{high[k]}));
      magnitude += std::fabs(double{weights_[k]}) * size;
    }
    // low + step · level, the steps, the losses, and values, levels and widths are each rounded.
    step_error_ = 0x1p-20 * (3 * magnitude + largest_constant);
    quick_error_ = static_cast<float>(4 * rounding_ * (2 * magnitude + largest_constant + std::fabs(double{bias_})));
    return magnitude <= kLargestUnit && length() <= kLongestScreened;
  }

  [[nodiscard]] double margin(double loss, double magnitude) const {
    return kSumError * loss + rounding_ * kSumError * magnitude + step_error_;
  }
  const ScreenKernels& kernels_;
  const ScreenTools& tools_ = screen_tools();
  const GridKernels& grid_ = grid_kernels();
  std::vector<float> weights_;  ///< of the second layer
  float bias_;
  double rounding_;  ///< of sums in single precision, in units of the sum of magnitudes
  std::vector<float> low_;
  std::vector<float> step_;
  std::vector<std::int8_t> multiples_;  ///< of the unit, with the weights' signs, padded with zeros
  double unit_ = 1;
  double sum_of_lows_ = 0;  ///< Σ w · low
  double step_error_ = 0;
  float quick_error_ = 0;  ///< of bound()
};

}  // namespace

std::unique_ptr<Screen> make_head_screen(const DecisionHead& head, const ScreenKernels& kernels) {
  return std::make_unique<HeadScreen>(head, kernels);
}

std::unique_ptr<GridStrategy> make_screened_head_grid(std::shared_ptr<CpuContext> context,
                                                      std::shared_ptr<const Model> model) {
  const DecisionHead head = read_decision_head(*model);
  const ScreenKernels& kernels = *context->screen;
  ScreenedParts parts;
  parts.screen = make_head_screen(head, kernels);
  parts.kernels = &kernels;
  parts.scoring = make_two_layer_scoring(head);
  parts.full = make_two_layer_head_grid(context, model);
  return make_screened_grid(context, model->spec.name, std::move(parts));
}

}  // namespace twinpatch::cpu
