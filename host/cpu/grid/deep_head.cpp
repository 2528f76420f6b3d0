// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "grid/panel_scoring.hpp"
#include "plan/deep_head.hpp"

namespace twinpatch::cpu {
namespace {

/// A decision of any depth: a row of pairs at a time through its layers.
class DeepScoring final : public PanelScoring {
 public:
  DeepScoring(const DecisionHead& head, int workers) : head_(head, workers) {}

  bool reads_panels() const override { return false; }
  void pack(const Panel& /*panel*/, Purpose /*purpose*/) const override {}

  void score(const Strip& left, const Panel& right, Purpose /*purpose*/, int worker, float* out) override {
    std::array<PairOfHalves, kMaxPanel> pairs;
    const auto count = static_cast<std::size_t>(right.count);
    for (std::int64_t i = 0; i < left.count; ++i, out += kernels_.panel) {
      const float* const row = left.rows->values.row(left.first + i).data();
      for (std::size_t j = 0; j < count; ++j) {
        pairs[j] = {row, right.rows->values.row(right.first + static_cast<std::int64_t>(j)).data()};
      }
      head_.score(worker, {pairs.data(), count}, out);
      std::fill(out + count, out + kernels_.panel, kPadding);
    }
  }

 private:
  const GridKernels& kernels_ = grid_kernels();
  DeepHead head_;
};

}  // namespace

std::unique_ptr<GridStrategy> make_deep_head_grid(std::shared_ptr<CpuContext> context,
                                                  std::shared_ptr<const Model> model) {
  auto scoring = std::make_unique<DeepScoring>(read_decision_head(*model), context->pool.threads());
  return make_panel_grid(std::move(context), model->spec.name, std::move(scoring));
}

}  // namespace twinpatch::cpu
