// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "branch/two_channel_rows.hpp"
#include "plan/halves_plan.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

/// Left patches of one batch of a grid: its pairs are these × batch / kLeftOfBatch right patches, so that halves are
/// read from the cache several times.
constexpr std::int64_t kLeftOfBatch = 4;
/// Sides of the block of a grid whose halves are kept at once, memory permitting.
constexpr std::int64_t kBlockRows = 64;
/// Pairs a left patch must have in a list for its half of the first convolution to be worth keeping: two halves and
/// their sum cost a little more than the convolution of a pair.
constexpr std::int64_t kPairsPerLeft = 2;
constexpr std::int64_t kBlockColumns = 256;

/// Rows and columns of a block whose halves take at most half of the memory.
Backend::TileSize block_size(const NetworkSpec& spec, Extent patch, std::int64_t memory) {
  if (!join_rule(spec, patch)) return {kBlockRows, kBlockColumns};
  const auto patches = memory / 2 / (halves_size(spec, patch) * static_cast<std::int64_t>(sizeof(float)));
  return {std::clamp<std::int64_t>(patches / 5, 1, kBlockRows),
          std::clamp<std::int64_t>(patches * 4 / 5, 1, kBlockColumns)};
}

class TwoChannelScorer final : public PairScorer {
 public:
  TwoChannelScorer(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model)
      : context_(std::move(context)), model_(std::move(model)) {}

  void score_list(const Rows& left, const Rows& right, std::span<const IndexPair> pairs, std::span<float> scores,
                  const RunControl& control) override {
    const auto& a = two_channel_rows(left);
    const auto& b = two_channel_rows(right);
    if (pairs.empty()) return;
    const std::scoped_lock lock(mutex_);
    const auto patch = check_pair(model_->spec, a.extent(), b.extent());
    const auto rule = join_rule(model_->spec, patch);
    const auto order = by_left(pairs);
    const auto pair_at = [&](std::int64_t i) { return pairs[static_cast<std::size_t>(order[i])]; };
    auto& plan = list_plan(patch);
    GridPlan* halves = nullptr;
    for (std::int64_t begin = 0; rule && halves == nullptr && begin < order.size(); begin += plan.batch()) {
      if (halves_pay(begin, std::min(begin + plan.batch(), order.size()), pair_at)) halves = &grid_plan(patch, *rule);
    }
    context_->pool.for_ranges(order.size(), plan.batch(), [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      const SingleThreaded alone;
      float* batch_scores = plan_scores_.data() + worker * plan.batch();
      if (halves != nullptr && halves_pay(begin, end, pair_at)) {
        score_reusing(*halves, a, b, begin, end, pair_at, worker, batch_scores);
      } else {
        score_whole(plan, a, b, begin, end, pair_at, worker, batch_scores);
      }
      for (auto i = begin; i < end; ++i) scores[static_cast<std::size_t>(order[i])] = batch_scores[i - begin];
      control.advance(end - begin);
    });
  }

  void score_tile(PlacedRows left, std::span<const PlacedRows> parts, Selection& selection,
                  const RunControl& control) override {
    for (const PlacedRows& right : parts) {
      walk_blocks(
          *left.rows, *right.rows, control,
          [&](std::int64_t row, std::int64_t column, const float* scores, std::int64_t rows, std::int64_t columns) {
            select_scores(selection, left.first + row, right.first + column, scores, rows, columns, columns);
          });
    }
  }

  void score_block(const Rows& left, const Rows& right, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    walk_blocks(left, right, control,
                [&](std::int64_t row, std::int64_t column, const float* from, std::int64_t rows, std::int64_t columns) {
                  for (std::int64_t i = 0; i < rows; ++i) {
                    std::copy_n(from + i * columns, columns, scores + (row + i) * stride + column);
                  }
                });
  }

 private:
  struct GridPlan {
    GridPlan(const Model& model, Extent patch, const JoinRule& join, const PlanOptions& options)
        : extent(patch),
          rule(join),
          left(model, patch, Side::left, options.size.workers),
          right(model, patch, Side::right, options.size.workers),
          rest(model, patch, join.layers, options),
          pair_halves(2 * left.size() * options.size.workers) {}
    Extent extent;
    JoinRule rule;
    HalvesPlan left, right;
    PairPlan rest;
    Buffer<float> pair_halves;                // [workers, 2, size]: of the pair at hand, in lists
    Buffer<float> left_halves, right_halves;  // [block rows or columns, size]: in grids, made on first use
  };

  PairPlan& list_plan(Extent patch) {
    if (!list_plan_ || list_extent_ != patch) {
      list_plan_.reset();
      const auto options = plan_options(*context_, model_->spec, patch);
      list_plan_.emplace(*model_, patch, 0, options);
      plan_scores_ = Buffer<float>(options.size.batch * options.size.workers);
      list_extent_ = patch;
    }
    return *list_plan_;
  }

  GridPlan& grid_plan(Extent patch, const JoinRule& rule) {
    if (!grid_plan_ || grid_plan_->extent != patch) {
      grid_plan_.reset();
      const auto options = plan_options(*context_, model_->spec, patch);
      grid_plan_.emplace(*model_, patch, rule, options);
      plan_scores_ = Buffer<float>(options.size.batch * options.size.workers);
    }
    return *grid_plan_;
  }

  /// Positions of the pairs in order of their left patches (then as given), so that what was computed for one is at
  /// hand for the next.
  static Buffer<std::int64_t> by_left(std::span<const IndexPair> pairs) {
    Buffer<std::int64_t> order(static_cast<std::int64_t>(pairs.size()));
    std::iota(order.data(), order.data() + order.size(), std::int64_t{0});
    const auto left = [&](std::int64_t i) { return pairs[static_cast<std::size_t>(i)].left; };
    std::stable_sort(order.data(), order.data() + order.size(),
                     [&](std::int64_t i, std::int64_t j) { return left(i) < left(j); });
    return order;
  }

  /// Whether each left patch of the batch comes often enough that its half of the first convolution should be kept.
  template <class PairAt>
  static bool halves_pay(std::int64_t begin, std::int64_t end, const PairAt& pair_at) {
    std::int64_t different = 1;
    for (auto i = begin + 1; i < end; ++i) different += pair_at(i).left != pair_at(i - 1).left ? 1 : 0;
    return kPairsPerLeft * different <= end - begin;
  }

  /// scores[i − begin] of pair_at(i), whole pairs through the network.
  template <class PairAt>
  void score_whole(PairPlan& plan, const TwoChannelRows& left, const TwoChannelRows& right, std::int64_t begin,
                   std::int64_t end, const PairAt& pair_at, int worker, float* scores) {
    const auto fill = [&](std::size_t stream, float* input) {
      const auto view = model_->spec.streams[stream].view;
      const auto size = plan.input(stream).size();
      const int step = plan.planar(stream) ? 1 : 2;
      for (auto i = begin; i < end; ++i, input += size) {
        const auto pair = pair_at(i);
        load_patch(left.patch(pair.left), left.map(pair.left), view, input, step);
        load_patch(right.patch(pair.right), right.map(pair.right), view, input + (step == 1 ? size / 2 : 1), step);
      }
    };
    plan.run(worker, end - begin, fill, scores);
  }

  /// The same from halves of the first convolution: the left one made once for pairs that follow each other.
  template <class PairAt>
  void score_reusing(GridPlan& plan, const TwoChannelRows& left, const TwoChannelRows& right, std::int64_t begin,
                     std::int64_t end, const PairAt& pair_at, int worker, float* scores) {
    float* u = plan.pair_halves.data() + worker * 2 * plan.left.size();
    float* v = u + plan.left.size();
    const auto fill = [&](std::size_t stream, float* input) {
      const auto shape = plan.left.shape(stream);
      for (auto i = begin; i < end; ++i, input += plan.rest.input(stream).size()) {
        const auto pair = pair_at(i);
        if (i == begin || pair.left != pair_at(i - 1).left) plan.left.run_row(worker, stream, left, pair.left, u);
        plan.right.run_row(worker, stream, right, pair.right, v);
        join_halves(u, v, shape, plan.rule, 0, shape.height, input);
      }
    };
    plan.rest.run(worker, end - begin, fill, scores);
  }

  /// sink(row, column, scores [rows, columns], rows, columns) for blocks that cover the grid.
  template <class Sink>
  void walk_blocks(const Rows& left, const Rows& right, const RunControl& control, const Sink& sink) {
    const auto& a = two_channel_rows(left);
    const auto& b = two_channel_rows(right);
    if (a.size() == 0 || b.size() == 0) return;
    const std::scoped_lock lock(mutex_);
    const auto patch = check_pair(model_->spec, a.extent(), b.extent());
    const auto rule = join_rule(model_->spec, patch);
    const auto block = block_size(model_->spec, patch, context_->memory);
    scores_.resize(static_cast<std::size_t>(block.rows * block.columns));
    for (std::int64_t column = 0; column < b.size(); column += block.columns) {
      const auto columns = std::min(block.columns, b.size() - column);
      if (rule) {
        auto& plan = grid_plan(patch, *rule);
        if (plan.right_halves.empty()) {
          plan.left_halves = Buffer<float>(block.rows * plan.left.size());
          plan.right_halves = Buffer<float>(block.columns * plan.right.size());
        }
        plan.right.run(*context_, b, column, columns, plan.right_halves.data(), control);
      }
      for (std::int64_t row = 0; row < a.size(); row += block.rows) {
        const auto rows = std::min(block.rows, a.size() - row);
        if (rule) {
          auto& plan = grid_plan(patch, *rule);
          plan.left.run(*context_, a, row, rows, plan.left_halves.data(), control);
          score_halves(plan, rows, columns, control);
        } else {
          score_all_pairs(a, b, row, rows, column, columns, control);
        }
        sink(row, column, scores_.data(), rows, columns);
      }
    }
  }

  /// scores_ [rows, columns] of a network whose first layers have no halves.
  void score_all_pairs(const TwoChannelRows& left, const TwoChannelRows& right, std::int64_t row, std::int64_t rows,
                       std::int64_t column, std::int64_t columns, const RunControl& control) {
    auto& plan = list_plan(left.extent());
    const auto pair_at = [&](std::int64_t i) {
      return IndexPair{static_cast<std::int32_t>(row + i / columns), static_cast<std::int32_t>(column + i % columns)};
    };
    context_->pool.for_ranges(rows * columns, plan.batch(), [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      const SingleThreaded alone;
      score_whole(plan, left, right, begin, end, pair_at, worker, scores_.data() + begin);
    });
  }

  /// scores_ [rows, columns] from the cached halves: batches of a few rows × a few columns.
  void score_halves(GridPlan& plan, std::int64_t rows, std::int64_t columns, const RunControl& control) {
    const auto tall = std::clamp<std::int64_t>(plan.rest.batch(), 1, kLeftOfBatch);
    const auto wide = std::max<std::int64_t>(1, plan.rest.batch() / tall);
    const auto across = ceil_divide(columns, wide);
    context_->pool.for_ranges(
        ceil_divide(rows, tall) * across, 1, [&](std::int64_t begin, std::int64_t /*end*/, int worker) {
          control.check();
          const SingleThreaded alone;
          const auto top = begin / across * tall;
          const auto first = begin % across * wide;
          const auto height = std::min(tall, rows - top);
          const auto width = std::min(wide, columns - first);
          const auto fill = [&](std::size_t stream, float* input) {
            const auto shape = plan.left.shape(stream);
            const auto item = plan.rest.input(stream).size();
            // Two rows of every pair, then the next two: the halves' rows are still in the nearest cache.
            for (int y = 0; y < shape.height; y += 2) {
              for (std::int64_t k = 0; k < height * width; ++k) {
                const auto i = top + k / width;
                const auto j = first + k % width;
                join_halves(plan.left_halves.data() + i * plan.left.size() + plan.left.offset(stream),
                            plan.right_halves.data() + j * plan.right.size() + plan.right.offset(stream), shape,
                            plan.rule, y, std::min(2, shape.height - y), input + k * item);
              }
            }
          };
          float* scores = plan_scores_.data() + worker * plan.rest.batch();
          plan.rest.run(worker, height * width, fill, scores);
          for (std::int64_t i = 0; i < height; ++i) {
            std::copy_n(scores + i * width, width, scores_.data() + (top + i) * columns + first);
          }
        });
  }

  std::shared_ptr<CpuContext> context_;
  std::shared_ptr<const Model> model_;
  std::mutex mutex_;
  std::optional<PairPlan> list_plan_;
  Extent list_extent_;
  std::optional<GridPlan> grid_plan_;
  Buffer<float> plan_scores_;  // [workers, batch]
  std::vector<float> scores_;  // of one block
};

}  // namespace

std::unique_ptr<PairScorer> make_two_channel_scorer(std::shared_ptr<CpuContext> context,
                                                    std::shared_ptr<const Model> model) {
  return std::make_unique<TwoChannelScorer>(std::move(context), std::move(model));
}

Backend::TileSize two_channel_tile_size(const Model& model, int height, int width, std::int64_t memory) {
  return block_size(model.spec, {height, width}, memory);
}

}  // namespace twinpatch::cpu
