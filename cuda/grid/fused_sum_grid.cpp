// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/slab_grid.hpp"
#include "grid/strategies.hpp"

namespace twinpatch::cuda {
namespace {

/// l1, as a head whose rows are folded (fold_difference()).
class FusedSumGrid final : public SlabGrid {
 public:
  using SlabGrid::SlabGrid;

 private:
  /// Of heads: three roundings a number by a relative u, of 2p, of 2q and of their difference: 2 u (‖2p‖₁ + ‖2q‖₁)
  /// together, and below fp16's normal numbers 2⁻²⁵ each. Sums begin with Σp − Σq, which is no larger than half of
  /// that.
  [[nodiscard]] kernels::SlabTile bounds() const override {
    const bool fp16 = device()->search_type() == NumberType::fp16;
    const std::int64_t length = parts().length;
    const double slack = 2.2 * (fp16 ? 0x1p-11 : 0x1p-8) + 2 * tensor_core_slack(round_up(length, 32));
    return {.positive = 0,
            .share = static_cast<float>(slack),
            .margin = fp16 ? static_cast<float>(length) * 0x1p-24F : 0.0F,
            .slack = slack,
            .largest = fp16 ? 32752.0F : 1e37F,
            .scalars = true};
  }
  void summarise(const kernels::SlabTile& tile, kernels::Summaries summaries) override {
    kernels::head_slabs(device()->stream(), device()->search_type(), tile, summaries);
  }
};

}  // namespace

std::unique_ptr<GridStrategy> make_fused_sum_grid(ScorerParts& parts) { return std::make_unique<FusedSumGrid>(parts); }

}  // namespace twinpatch::cuda
