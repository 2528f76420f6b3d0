// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "pair_scorer.hpp"

#include <mutex>
#include <utility>

#include "list/pair_lists.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

class CpuPairScorer final : public PairScorer {
 public:
  CpuPairScorer(std::unique_ptr<GridStrategy> grid, std::unique_ptr<ListStrategy> list)
      : grid_(std::move(grid)), list_(std::move(list)) {}

  void score_list(const Rows& left, const Rows& right, std::span<const IndexPair> pairs, std::span<float> scores,
                  const RunControl& control) override {
    const std::scoped_lock turn(mutex_);
    list_->score({&left, &right, pairs}, scores, control);
  }

  void score_tile(PlacedRows left, std::span<const PlacedRows> right, Selection& selection,
                  const RunControl& control) override {
    auto* const target = dynamic_cast<CpuSelection*>(&selection);
    if (target == nullptr) throw InvalidArgument("the CPU engine cannot write into a selection of another backend");
    const std::scoped_lock turn(mutex_);
    grid_->select({left, right}, *target, control);
  }

  void score_block(const Rows& left, const Rows& right, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    const std::scoped_lock turn(mutex_);
    grid_->write(left, right, {scores, stride}, control);
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<GridStrategy> grid_;
  std::unique_ptr<ListStrategy> list_;
};

}  // namespace

std::unique_ptr<PairScorer> make_pair_scorer(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model,
                                             std::span<const GridStrategyEntry> grids) {
  auto grid = choose_grid(*model, *context, grids).make(context, model);
  auto list = choose_list(*model).make(context, model);
  return std::make_unique<CpuPairScorer>(std::move(grid), std::move(list));
}

}  // namespace twinpatch::cpu
