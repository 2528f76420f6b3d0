// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "twinpatch/core/error.hpp"
#include "two_channel.hpp"
#include "two_channel_plans.hpp"

namespace twinpatch::cpu {
namespace {

/// Left patches of one batch of a grid: its pairs are these × batch / kLeftOfBatch right patches, so that halves are
/// read from the cache several times.
constexpr std::int64_t kLeftOfBatch = 4;
/// Sides of the block of a grid whose halves are kept at once, memory permitting.
constexpr std::int64_t kBlockRows = 64;
constexpr std::int64_t kBlockColumns = 256;

/// Values of all halves of one patch.
std::int64_t halves_size(const NetworkSpec& spec, Extent patch) {
  std::int64_t size = 0;
  for (const auto& stream : spec.streams) {
    size += output_shape(stream.layers.front(), stream_input(spec, stream, patch)).size();
  }
  return size;
}

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
    auto& plan = list_plan(common_extent(a, b));
    score_pairs(
        plan, a, b, static_cast<std::int64_t>(pairs.size()),
        [&](std::int64_t i) { return pairs[static_cast<std::size_t>(i)]; }, scores.data(), control, true);
  }

  void score_tile(const Rows& left, std::int64_t first_row, const Rows& right, std::int64_t first_column,
                  Selection& selection, const RunControl& control) override {
    walk_blocks(
        left, right, control,
        [&](std::int64_t row, std::int64_t column, const float* scores, std::int64_t rows, std::int64_t columns) {
          select_scores(selection, first_row + row, first_column + column, scores, rows, columns, columns);
        });
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
          left(model, patch, Side::left, options),
          right(model, patch, Side::right, options),
          rest(model, patch, join.layers, options),
          batch_scores(options.size.batch * options.size.workers) {}
    Extent extent;
    JoinRule rule;
    HalvesPlan left, right;
    PairPlan rest;
    Buffer<float> batch_scores;  // [workers, batch]
    Buffer<float> left_halves, right_halves;
  };

  Extent common_extent(const TwoChannelRows& left, const TwoChannelRows& right) const {
    const auto a = left.extent();
    const auto b = right.extent();
    if (a != b) {
      throw ShapeError(
          fmt::format("network {} stacks the patches of a pair, which must be of one size: {}×{} and {}×{}",
                      model_->spec.name, a.height, a.width, b.height, b.width));
    }
    return a;
  }

  PairPlan& list_plan(Extent patch) {
    if (!list_plan_ || list_extent_ != patch) {
      list_plan_.reset();
      list_plan_.emplace(*model_, patch, 0, plan_options(*context_, model_->spec, patch));
      list_extent_ = patch;
    }
    return *list_plan_;
  }

  GridPlan& grid_plan(Extent patch, const JoinRule& rule) {
    if (!grid_plan_ || grid_plan_->extent != patch) {
      grid_plan_.reset();
      grid_plan_.emplace(*model_, patch, rule, plan_options(*context_, model_->spec, patch));
      const auto block = block_size(model_->spec, patch, context_->memory);
      grid_plan_->left_halves = Buffer<float>(block.rows * grid_plan_->left.size());
      grid_plan_->right_halves = Buffer<float>(block.columns * grid_plan_->right.size());
    }
    return *grid_plan_;
  }

  /// scores[i] of pair_at(i), whole pairs through the network.
  template <class PairAt>
  void score_pairs(PairPlan& plan, const TwoChannelRows& left, const TwoChannelRows& right, std::int64_t count,
                   const PairAt& pair_at, float* scores, const RunControl& control, bool advance) {
    const auto& streams = model_->spec.streams;
    context_->pool.for_ranges(count, plan.batch(), [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      const SingleThreaded alone;
      const auto fill = [&](std::size_t stream, float* input) {
        const auto size = plan.input(stream).size();
        const int step = plan.planar(stream) ? 1 : 2;
        for (auto i = begin; i < end; ++i, input += size) {
          const auto pair = pair_at(i);
          load_patch(left.patch(pair.left), left.map(pair.left), streams[stream].view, input, step);
          load_patch(right.patch(pair.right), right.map(pair.right), streams[stream].view,
                     input + (step == 1 ? size / 2 : 1), step);
        }
      };
      plan.run(worker, end - begin, fill, scores + begin);
      if (advance) control.advance(end - begin);
    });
  }

  /// sink(row, column, scores [rows, columns], rows, columns) for blocks that cover the grid.
  template <class Sink>
  void walk_blocks(const Rows& left, const Rows& right, const RunControl& control, const Sink& sink) {
    const auto& a = two_channel_rows(left);
    const auto& b = two_channel_rows(right);
    if (a.size() == 0 || b.size() == 0) return;
    const std::scoped_lock lock(mutex_);
    const auto patch = common_extent(a, b);
    const auto rule = join_rule(model_->spec, patch);
    const auto block = block_size(model_->spec, patch, context_->memory);
    scores_.resize(static_cast<std::size_t>(block.rows * block.columns));
    for (std::int64_t column = 0; column < b.size(); column += block.columns) {
      const auto columns = std::min(block.columns, b.size() - column);
      if (rule) {
        auto& plan = grid_plan(patch, *rule);
        plan.right.run(*context_, b, column, columns, plan.right_halves.data(), control);
      }
      for (std::int64_t row = 0; row < a.size(); row += block.rows) {
        const auto rows = std::min(block.rows, a.size() - row);
        if (rule) {
          auto& plan = grid_plan(patch, *rule);
          plan.left.run(*context_, a, row, rows, plan.left_halves.data(), control);
          score_halves(plan, rows, columns, control);
        } else {
          const auto pair_at = [&](std::int64_t i) {
            return IndexPair{static_cast<std::int32_t>(row + i / columns),
                             static_cast<std::int32_t>(column + i % columns)};
          };
          score_pairs(list_plan(patch), a, b, rows * columns, pair_at, scores_.data(), control, false);
        }
        sink(row, column, scores_.data(), rows, columns);
      }
    }
  }

  /// scores_ [rows, columns] from the cached halves: batches of a few rows × a few columns.
  void score_halves(GridPlan& plan, std::int64_t rows, std::int64_t columns, const RunControl& control) {
    const auto tall = std::min(kLeftOfBatch, plan.rest.batch());
    const auto wide = plan.rest.batch() / tall;
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
            for (std::int64_t i = 0; i < height; ++i) {
              const float* u = plan.left_halves.data() + (top + i) * plan.left.size() + plan.left.offset(stream);
              for (std::int64_t j = 0; j < width; ++j, input += plan.rest.input(stream).size()) {
                const float* v = plan.right_halves.data() + (first + j) * plan.right.size() + plan.right.offset(stream);
                join_halves(u, v, shape, plan.rule, input);
              }
            }
          };
          float* scores = plan.batch_scores.data() + worker * plan.rest.batch();
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
