// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "grid/slab_grid.hpp"
#include "grid/strategies.hpp"

namespace twinpatch::cuda {
namespace {

/// Linear – ReLU – Linear(1), on rows with the last layer's weights folded in (kernels::HeadFold).
class FusedHeadGrid final : public SlabGrid {
 public:
  using SlabGrid::SlabGrid;

 private:
  /// Three roundings a number by a relative u, of either row's and of their sum: 2 u (‖left‖₁ + ‖right‖₁) together, and
  /// below fp16's normal numbers 2⁻²⁵ each; the sums; and those of the score in fp32, whose terms are no larger.
  [[nodiscard]] kernels::SlabTile bounds() const override {
    const DeviceHead& head = *parts().head;
    const bool fp16 = device()->search_type() == NumberType::fp16;
    const auto length = static_cast<double>(head.fold->fold.length);
    const double sums = tensor_core_slack(head.fold->fold.length);
    const double slack = 2.2 * (fp16 ? 0x1p-11 : 0x1p-8) + sums + (length + 8) * 0x1p-23;
    const double margin = (fp16 ? length * 0x1p-24 : 0) + std::abs(static_cast<double>(head.output_bias)) * 2 * sums;
    return {.weights = head.output_weights,
            .positive = head.fold->positive,
            .offset = head.output_bias,
            .share = static_cast<float>(slack),
            .margin = static_cast<float>(margin),
            .slack = slack,
            .largest = fp16 ? 32752.0F : 1e37F};
  }
  void summarise(const kernels::SlabTile& tile, kernels::Summaries summaries) override {
    kernels::head_slabs(device()->stream(), device()->search_type(), tile, summaries);
  }
};

}  // namespace

std::unique_ptr<GridStrategy> make_fused_head_grid(ScorerParts& parts) {
  return std::make_unique<FusedHeadGrid>(parts);
}

}  // namespace twinpatch::cuda
