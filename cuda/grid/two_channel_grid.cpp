// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "grid/grid_strategy.hpp"
#include "grid/strategies.hpp"
#include "kernels/join.hpp"
#include "plan/halves_plan.hpp"
#include "plan/kernel_rules.hpp"
#include "two_channel.hpp"

namespace twinpatch::cuda {
namespace {

/// Batches that a panel of columns has pairs for: few of its places stay empty, and its halves stay near, in a device's
/// second-level cache: a batch of 4096 is 32 rows by 128 columns, 12 MB of halves of 2ch in fp16.
constexpr std::int64_t kPanelBatches = 8;

/// Networks that see both patches: halves of the first convolution for a block of rows and one of columns, then every
/// pair of the block from their sum, panel by panel of its columns.
class TwoChannelGrid final : public GridStrategy {
 public:
  explicit TwoChannelGrid(ScorerParts& parts)
      : parts_(parts), device_(parts.device), values_(device_), pairs_(device_), delivery_(device_) {}

  void select(PlacedRows left, std::span<const PlacedRows> right, DeviceSelection& selection,
              const RunControl& control) override {
    for (const PlacedRows& part : right) {
      walk_blocks(*left.rows, *part.rows, control, [&](kernels::ValueTile tile) {
        tile.first_row += left.first;
        tile.first_column += part.first;
        device_->selecting.begin(device_->stream());
        selection.take(tile, nullptr);
        device_->selecting.end(device_->stream());
      });
    }
  }

  void write(const Rows& left, const Rows& right, ScoreMatrix out, const RunControl& control) override {
    constexpr auto kBytes = static_cast<std::int64_t>(sizeof(float));
    delivery_.start();
    walk_blocks(left, right, control, [&](const kernels::ValueTile& tile) {
      delivery_.take(tile.values, tile.rows, tile.columns * kBytes,
                     out.scores + tile.first_row * out.stride + tile.first_column, out.stride * kBytes);
    });
    delivery_.finish();
    device_->finish();
  }

 private:
  /// Everything for grids of one patch size.
  struct Halves {
    Extent extent;
    JoinRule rule;
    HalvesPlan left, right;
  };

  [[nodiscard]] const NetworkSpec& spec() const { return parts_.spec(); }

  /// Scores of pairs of rows of either side's last halves, `pairs.count` of them from number 0 on; enqueued.
  void score_halves(Halves& halves, const kernels::PairRange& pairs, float* scores, const RunControl& control) {
    parts_.pairs->run(halves.extent, halves.rule.layers, {nullptr, pairs.count, scores}, control,
                      [&](PairPlan& network, std::int64_t begin, std::int64_t n) {
                        kernels::PairRange batch = pairs;
                        batch.begin = begin;
                        batch.count = n;
                        for (std::size_t i = 0; i < spec().streams.size(); ++i) {
                          kernels::join_halves(device_->stream(),
                                               {.type = device_->type,
                                                .left = halves.left.halves(i),
                                                .right = halves.right.halves(i),
                                                .pairs = batch,
                                                .shape = halves.left.shape(i),
                                                .activation = activation_of(halves.rule.activation),
                                                .pool = halves.rule.pool},
                                               network.branch().input(i));
                        }
                      });
  }

  /// Halves of `count` rows from `begin` on, enqueued.
  void make_halves(HalvesPlan& plan, const TwoChannelRows& rows, std::int64_t begin, std::int64_t count) {
    static const RangeName kHalves(Stage::compute, "halves");
    const Range range(kHalves, {.pairs = count, .bytes = count * plan.bytes()});
    device_->computing.begin(device_->stream());
    plan.run(rows, begin, count);
    device_->computing.end(device_->stream());
    parts_.pairs->add_work(static_cast<double>(count) * plan.operations(), count * plan.bytes());
  }

  Halves& halves_for(Extent patch, const JoinRule& rule, std::int64_t most_rows) {
    if (halves_ == nullptr || halves_->extent != patch) {
      halves_.reset();
      const std::int64_t batch = std::min(batch_limit(*device_, spec(), patch), most_rows);
      halves_ = std::make_unique<Halves>(Halves{patch, rule, HalvesPlan(parts_.weights, patch, Side::left, batch),
                                                HalvesPlan(parts_.weights, patch, Side::right, batch)});
    }
    return *halves_;
  }

  /// take(tile) for blocks of scores that cover the grid, each when it is enqueued; rows and columns count from 0.
  template <class Take>
  void walk_blocks(const Rows& left_rows, const Rows& right_rows, const RunControl& control, const Take& take) {
    const auto& left = static_cast<const TwoChannelRows&>(left_rows);
    const auto& right = static_cast<const TwoChannelRows&>(right_rows);
    const Extent patch = check_pair(spec(), left.extent(), right.extent());
    const auto block = halves_block(spec(), patch, device_->type, device_->context.pool().bound());
    const std::int64_t most = std::min(block.rows, left.size()) * std::min(block.columns, right.size());
    with_less_memory(
        most, [&](std::int64_t pairs) { walk(left, right, pairs, control, take); }, [&] { release(); });
    const std::int64_t scored = left.size() * right.size();
    parts_.pairs->account(scored);
    device_->statistics.add(Stage::select, 0, static_cast<std::int64_t>(sizeof(float)) * scored);
  }

  template <class Take>
  void walk(const TwoChannelRows& left, const TwoChannelRows& right, std::int64_t most, const RunControl& control,
            const Take& take) {
    const Extent patch = left.extent();
    const auto rule = join_rule(spec(), patch);
    const auto block = halves_block(spec(), patch, device_->type, device_->context.pool().bound());
    const std::int64_t columns = std::min({block.columns, right.size(), most});
    const std::int64_t rows = std::clamp<std::int64_t>(most / columns, 1, std::min(block.rows, left.size()));
    const std::int64_t batch = batch_limit(*device_, spec(), patch);
    const std::int64_t panel = std::clamp<std::int64_t>(kPanelBatches * batch / rows, 1, columns);
    float* const values = values_.at_least(rows * panel);
    for (std::int64_t column = 0; column < right.size(); column += columns) {
      const std::int64_t wide = std::min(columns, right.size() - column);
      if (rule) make_halves(halves_for(patch, *rule, rows).right, right, column, wide);
      for (std::int64_t row = 0; row < left.size(); row += rows) {
        control.check();
        const std::int64_t tall = std::min(rows, left.size() - row);
        if (rule) make_halves(halves_for(patch, *rule, rows).left, left, row, tall);
        const std::int64_t step = rows * panel / tall;  // as many pairs where rows are few
        for (std::int64_t first = 0; first < wide; first += step) {
          const std::int64_t few = std::min(step, wide - first);
          const kernels::PairRange pairs{.count = tall * few,
                                         .columns = few,
                                         .first_left = rule ? 0 : row,
                                         .first_right = rule ? first : column + first};
          if (rule) {
            score_halves(halves_for(patch, *rule, rows), pairs, values, control);
          } else {
            std::int32_t* const listed = pairs_.at_least(2 * rows * panel);
            kernels::enumerate_pairs(device_->stream(), pairs, listed);
            parts_.pairs->score(left, right, {listed, pairs.count, values}, control);
          }
          take(kernels::ValueTile{.values = values,
                                  .stride = few,
                                  .rows = tall,
                                  .columns = few,
                                  .first_row = row,
                                  .first_column = column + first});
        }
      }
    }
  }

  void release() {
    parts_.release();
    halves_.reset();
    values_.release();
    pairs_.release();
    delivery_.start();
  }

  ScorerParts& parts_;
  std::shared_ptr<Device> device_;
  std::unique_ptr<Halves> halves_;
  ReusedBuffer<float> values_;
  ReusedBuffer<std::int32_t> pairs_;
  Delivery delivery_;
};

}  // namespace

std::unique_ptr<GridStrategy> make_two_channel_grid(ScorerParts& parts) {
  return std::make_unique<TwoChannelGrid>(parts);
}

}  // namespace twinpatch::cuda
