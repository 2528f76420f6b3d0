// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

#include "grid/panel_scoring.hpp"
#include "plan/exact_metric.hpp"
#include "twinpatch/net/siamese_grid.hpp"

// Distances over a grid are found in two steps. The inner loops compute a cheap value that is at least as good as the
// true one could be: for l2, ½(−‖a−b‖²) = a·b − ½‖a‖² − ½‖b‖² plus a bound of its rounding error, which is large where
// a and b nearly agree. Every pair that reaches its limit is then scored again from the differences, in double
// precision. So what is kept is exactly what a full matrix of such scores would give, whatever the tiles, threads and
// instruction set; lists of pairs give the same numbers, bit for bit.

namespace twinpatch::cpu {
namespace {

float just_below(double value) {
  const auto rounded = static_cast<float>(value);
  return std::nextafter(rounded, -std::numeric_limits<float>::infinity());
}

/// What the metrics share: packing, strips, and scores of pairs from their rows.
class MetricScoring : public PanelScoring {
 public:
  MetricScoring(DecisionMetric::Kind kind, std::int64_t length) : exact_(kind), slack_(summation_slack(length)) {}

  void pack(const Panel& panel, Purpose purpose) const override {
    pack_panel(kernels_, panel, 1.0F, [&](std::int64_t j) {
      return purpose == Purpose::select ? -norm_share() * panel.rows->scalars[j] : 0.0F;
    });
  }

  void score(const Strip& left, const Panel& right, Purpose purpose, int /*worker*/, float* out) override {
    kernel(purpose)({row_block(left), right.values, nullptr, right.constants}, out);
  }

  float row_offset(const SiameseRows& left, std::int64_t i) const override { return norm_share() * left.scalars[i]; }

  float exact(const SiameseRows& left, std::int64_t i, const SiameseRows& right, std::int64_t j,
              float /*value*/) const override {
    return exact_(left.values.row(i).data(), right.values.row(j).data(), left.values.columns());
  }

 protected:
  [[nodiscard]] virtual GridKernels::Strip kernel(Purpose purpose) const = 0;
  /// Share of ‖b‖² and of ‖a‖² that is taken off the sums of Purpose::select.
  [[nodiscard]] virtual float norm_share() const = 0;
  [[nodiscard]] const GridKernels& kernels() const { return kernels_; }
  [[nodiscard]] double slack() const { return slack_; }

 private:
  const GridKernels& kernels_ = grid_kernels();
  ExactMetric exact_;
  double slack_;
};

class L2Scoring final : public MetricScoring {
 public:
  using MetricScoring::MetricScoring;
  float needed(float score) const override {
    if (score > 0) return std::numeric_limits<float>::max();  // no pair scores above 0
    return just_below(-0.5 * (1 + 1e-6) * double{score} * double{score});
  }
  void finish(std::span<float> values) const override {
    for (float& value : values) value = -std::sqrt(-value);
  }

 protected:
  GridKernels::Strip kernel(Purpose purpose) const override {
    return purpose == Purpose::select ? kernels().dot : kernels().l2;
  }
  float norm_share() const override { return static_cast<float>(0.5 - slack()); }
};

class L1Scoring final : public MetricScoring {
 public:
  using MetricScoring::MetricScoring;
  float needed(float score) const override {
    if (score > 0) return std::numeric_limits<float>::max();
    return just_below((1 + slack()) * double{score});
  }

 protected:
  GridKernels::Strip kernel(Purpose /*purpose*/) const override { return kernels().l1; }
  float norm_share() const override { return 0; }
};

class CosineScoring final : public MetricScoring {
 public:
  using MetricScoring::MetricScoring;
  float needed(float score) const override { return just_below(double{score} - 1e-6 * std::fabs(double{score})); }

 protected:
  GridKernels::Strip kernel(Purpose /*purpose*/) const override { return kernels().dot; }
  float norm_share() const override { return static_cast<float>(-slack()); }
};

}  // namespace

std::unique_ptr<PanelScoring> make_metric_scoring(DecisionMetric::Kind kind, std::int64_t length) {
  switch (kind) {
    case DecisionMetric::Kind::l2:
      return std::make_unique<L2Scoring>(kind, length);
    case DecisionMetric::Kind::l1:
      return std::make_unique<L1Scoring>(kind, length);
    case DecisionMetric::Kind::cosine:
      break;
  }
  return std::make_unique<CosineScoring>(kind, length);
}

std::unique_ptr<GridStrategy> make_metric_grid(std::shared_ptr<CpuContext> context,
                                               std::shared_ptr<const Model> model) {
  const auto kind = std::get<DecisionMetric>(model->spec.decision).kind;
  return make_panel_grid(std::move(context), model->spec.name, make_metric_scoring(kind, branch_size(model->spec)));
}

}  // namespace twinpatch::cpu
