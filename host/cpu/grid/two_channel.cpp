// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "grid/strategies.hpp"
#include "grid/two_channel_plans.hpp"
#include "plan/dnnl_steps.hpp"
#include "twinpatch/backend/empty_selection.hpp"

namespace twinpatch::cpu {
namespace {

/// Left patches of one batch of a grid: its pairs are these × batch / kLeftOfBatch right patches, so that halves are
/// read from the cache several times.
constexpr std::int64_t kLeftOfBatch = 4;
/// Sides of the block of a grid whose halves are kept at once, memory permitting.
constexpr std::int64_t kBlockRows = 64;
constexpr std::int64_t kBlockColumns = 256;
/// Patches whose halves one thread makes at a time.
constexpr std::int64_t kHalvesPerRange = 8;

/// Rows and columns of a block whose halves take at most half of the memory.
Backend::TileSize block_size(const NetworkSpec& spec, Extent patch, std::int64_t memory) {
  if (!join_rule(spec, patch)) return {kBlockRows, kBlockColumns};
  const auto patches = memory / 2 / (halves_size(spec, patch) * static_cast<std::int64_t>(sizeof(float)));
  return {std::clamp<std::int64_t>(patches / 5, 1, kBlockRows),
          std::clamp<std::int64_t>(patches * 4 / 5, 1, kBlockColumns)};
}

/// A block of a grid: rows of the left patches, columns of the right ones.
struct PairBlock {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t column = 0;
  std::int64_t columns = 0;
};

/// Pairs are scored block by block, a part of the tile after the other: a pair costs a hundred microseconds, so that
/// threads seldom wait for each other, and its batch, on which the last bits of its score depend, is the same whatever
/// the other parts are.
class TwoChannelGrid final : public GridStrategy {
 public:
  TwoChannelGrid(std::shared_ptr<CpuContext> context, std::shared_ptr<const Model> model)
      : context_(context), plans_(std::move(context), std::move(model)) {}

  void select(const GridTile& tile, CpuSelection& selection, const RunControl& control) override {
    for (const PlacedRows& right : tile.right) {
      check_tile(selection.request(), tile.left.first, tile.left.rows->size(), right.first, right.rows->size());
      walk_blocks(*tile.left.rows, *right.rows, control, [&](const PairBlock& block, const float* scores) {
        select_scores(selection, {scores, block.columns, tile.left.first + block.row, block.rows,
                                  right.first + block.column, block.columns});
      });
    }
  }

  void write(const Rows& left, const Rows& right, ScoreMatrix out, const RunControl& control) override {
    walk_blocks(left, right, control, [&](const PairBlock& block, const float* scores) {
      for (std::int64_t i = 0; i < block.rows; ++i) {
        std::copy_n(scores + i * block.columns, block.columns,
                    out.scores + (block.row + i) * out.stride + block.column);
      }
    });
  }

 private:
  /// sink(block, scores [rows, columns]) for blocks that cover left × right.
  template <class Sink>
  void walk_blocks(const Rows& left_rows, const Rows& right_rows, const RunControl& control, const Sink& sink) {
    const TwoChannelRows& left = two_channel_rows(left_rows, Side::left, plans_.spec().name);
    const TwoChannelRows& right = two_channel_rows(right_rows, Side::right, plans_.spec().name);
    if (left.size() == 0 || right.size() == 0) return;
    const Extent patch = check_pair(plans_.spec(), left.extent(), right.extent());
    const auto rule = join_rule(plans_.spec(), patch);
    const auto size = block_size(plans_.spec(), patch, context_->memory);
    scores_.resize(static_cast<std::size_t>(size.rows * size.columns));
    JoinedPlan* const joined = rule ? &plans_.joined(patch, *rule) : nullptr;
    if (joined != nullptr) reserve_halves(*joined, size);
    for (std::int64_t column = 0; column < right.size(); column += size.columns) {
      const std::int64_t columns = std::min(size.columns, right.size() - column);
      if (joined != nullptr) make_halves(joined->right, right, {column, columns}, right_halves_.data(), control);
      for (std::int64_t row = 0; row < left.size(); row += size.rows) {
        const PairBlock block{row, std::min(size.rows, left.size() - row), column, columns};
        if (joined != nullptr) {
          make_halves(joined->left, left, {row, block.rows}, left_halves_.data(), control);
          score_joined(*joined, block, control);
        } else {
          score_whole(left, right, block, control);
        }
        sink(block, scores_.data());
      }
    }
  }

  void reserve_halves(const JoinedPlan& plan, Backend::TileSize size) {
    const auto reserve = [](Buffer<float>& halves, std::int64_t floats) {
      if (halves.size() < floats) halves = Buffer<float>(floats);
    };
    reserve(left_halves_, size.rows * plan.left.stored_size());
    reserve(right_halves_, size.columns * plan.right.stored_size());
  }

  struct RowRange {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  /// out [range.count, plan.stored_size()], in parallel.
  void make_halves(HalvesPlan& plan, const TwoChannelRows& rows, RowRange range, float* out,
                   const RunControl& control) {
    context_->pool.for_ranges(range.count, kHalvesPerRange, [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      const SingleThreaded alone;
      for (auto i = begin; i < end; ++i) {
        plan.store(worker, rows.patch(range.first + i), rows.map(range.first + i), out + i * plan.stored_size());
      }
    });
  }

  /// scores_ of a network whose first layers have no halves.
  void score_whole(const TwoChannelRows& left, const TwoChannelRows& right, const PairBlock& block,
                   const RunControl& control) {
    PairPlan& plan = plans_.whole(left.extent());
    context_->pool.for_ranges(block.rows * block.columns, plan.batch(),
                              [&](std::int64_t begin, std::int64_t end, int worker) {
                                control.check();
                                const SingleThreaded alone;
                                std::vector<IndexPair> pairs;
                                for (auto i = begin; i < end; ++i) {
                                  pairs.push_back({static_cast<std::int32_t>(block.row + i / block.columns),
                                                   static_cast<std::int32_t>(block.column + i % block.columns)});
                                }
                                plans_.score_whole(plan, worker, {&left, &right, pairs}, scores_.data() + begin);
                              });
  }

  /// scores_ from the cached halves: batches of a few rows × a few columns.
  void score_joined(JoinedPlan& plan, const PairBlock& block, const RunControl& control) {
    const auto tall = std::clamp<std::int64_t>(plan.rest.batch(), 1, kLeftOfBatch);
    const auto wide = std::max<std::int64_t>(1, plan.rest.batch() / tall);
    const auto across = ceil_divide(block.columns, wide);
    context_->pool.for_ranges(ceil_divide(block.rows, tall) * across, 1,
                              [&](std::int64_t begin, std::int64_t /*end*/, int worker) {
                                control.check();
                                const SingleThreaded alone;
                                PairBlock batch{.row = begin / across * tall, .column = begin % across * wide};
                                batch.rows = std::min(tall, block.rows - batch.row);
                                batch.columns = std::min(wide, block.columns - batch.column);
                                std::vector<float> scores(static_cast<std::size_t>(batch.rows * batch.columns));
                                const auto fill = [&](std::size_t stream, BranchPlan::Items items, float* input) {
                                  join_batch({plan, stream, batch, items}, input);
                                };
                                plan.rest.run(worker, batch.rows * batch.columns, fill, scores.data());
                                for (std::int64_t k = 0; k < batch.rows * batch.columns; ++k) {
                                  const Place place = place_of(batch, k);
                                  scores_[static_cast<std::size_t>(place.row * block.columns + place.column)] =
                                      scores[static_cast<std::size_t>(k)];
                                }
                              });
  }

  struct Place {
    std::int64_t row, column;
  };
  /// Of a batch's k-th pair: one right patch after the other.
  static Place place_of(const PairBlock& batch, std::int64_t k) {
    return {batch.row + k % batch.rows, batch.column + k / batch.rows};
  }

  struct JoinedItems {
    const JoinedPlan& plan;
    std::size_t stream;
    const PairBlock& batch;
    BranchPlan::Items items;
  };
  /// The inputs of the layers after the halves.
  void join_batch(const JoinedItems& joined, float* input) const {
    const JoinedPlan& plan = joined.plan;
    const Shape shape = plan.left.shape(joined.stream);
    const std::int64_t item = plan.rest.input(joined.stream).size();
    // Two rows of every pair, then the next two: those of the halves, which are few, stay in the nearest cache.
    for (int y = 0; y < shape.height; y += 2) {
      for (std::int64_t k = 0; k < joined.items.count; ++k) {
        const Place place = place_of(joined.batch, joined.items.first + k);
        const float* const left = left_halves_.data() + place.row * plan.left.stored_size();
        const float* const right = right_halves_.data() + place.column * plan.right.stored_size();
        join_halves({plan.left.stored(left, joined.stream), plan.right.stored(right, joined.stream), shape, plan.rule},
                    y, std::min(2, shape.height - y), input + k * item);
      }
    }
  }

  std::shared_ptr<CpuContext> context_;
  TwoChannelPlans plans_;
  Buffer<float> left_halves_, right_halves_;  // [block rows or columns, stored size]
  std::vector<float> scores_;                 // of one block
};

}  // namespace

std::unique_ptr<GridStrategy> make_two_channel_grid(std::shared_ptr<CpuContext> context,
                                                    std::shared_ptr<const Model> model) {
  return std::make_unique<TwoChannelGrid>(std::move(context), std::move(model));
}

Backend::TileSize two_channel_tile_size(const Model& model, Extent patch, std::int64_t memory) {
  return block_size(model.spec, patch, memory);
}

}  // namespace twinpatch::cpu
