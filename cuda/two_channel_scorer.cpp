// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "grid/selection.hpp"
#include "list/pair_buffers.hpp"
#include "plan/branch_plan.hpp"
#include "plan/halves_plan.hpp"
#include "plan/kernel_rules.hpp"
#include "twinpatch/core/error.hpp"
#include "two_channel.hpp"

// Lists: whole pairs, gathered on the device. Grids: halves of the first convolution for a block of rows and one of
// columns, then every pair of the block from their sum.

namespace twinpatch::cuda {
namespace {

class TwoChannelScorer final : public PairScorer {
 public:
  TwoChannelScorer(std::shared_ptr<Device> device, std::shared_ptr<const Model> model)
      : device_(std::move(device)), weights_(device_, std::move(model)), transfer_(device_) {}

  void score_list(const Rows& left_rows, const Rows& right_rows, std::span<const IndexPair> pairs,
                  std::span<float> scores, const RunControl& control) override {
    const TwoChannelRows& left = two_channel(left_rows);
    const TwoChannelRows& right = two_channel(right_rows);
    if (pairs.empty()) return;
    const Extent patch = check_pair(spec(), left.extent(), right.extent());
    const Turn turn(*device_);
    with_less_memory(
        kListPart / 4,
        [&](std::int64_t part) {
          score_parts(device_, transfer_, pairs, scores, part, control,
                      [&](const std::int32_t* listed, std::int64_t count, float* results) {
                        score_whole(left, right, patch, listed, count, results, control);
                      });
        },
        [&] { release(); });
    account(std::ssize(pairs), 0);
  }

  void score_tile(PlacedRows left, std::span<const PlacedRows> parts, Selection& selection,
                  const RunControl& control) override {
    for (const PlacedRows& part : parts) score_part(left, part, selection, control);
  }

  void score_part(PlacedRows placed_left, PlacedRows placed_right, Selection& selection, const RunControl& control) {
    const Rows& left = *placed_left.rows;
    const Rows& right = *placed_right.rows;
    const std::int64_t first_row = placed_left.first;
    const std::int64_t first_column = placed_right.first;
    auto* const target = dynamic_cast<DeviceSelection*>(&selection);
    if (target == nullptr || target->device() != device_.get()) {
      throw InvalidArgument("scores of a CUDA device cannot go into a selection of another backend");
    }
    target->check_tile(first_row, left.size(), first_column, right.size());
    walk_blocks(left, right, control, [&](kernels::ValueTile tile) {
      tile.first_row += first_row;
      tile.first_column += first_column;
      device_->selecting.begin(device_->stream());
      target->take(tile, nullptr);
      device_->selecting.end(device_->stream());
    });
  }

  void score_block(const Rows& left, const Rows& right, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    constexpr auto kBytes = static_cast<std::int64_t>(sizeof(float));
    const Turn turn(*device_);
    transfer_.delivery.start();
    walk_blocks(left, right, control, [&](const kernels::ValueTile& tile) {
      transfer_.delivery.take(tile.values, tile.rows, tile.columns * kBytes,
                              scores + tile.first_row * stride + tile.first_column, stride * kBytes);
    });
    transfer_.delivery.finish();
  }

 private:
  /// Everything for grids of one patch size.
  struct Halves {
    Extent extent;
    JoinRule rule;
    HalvesPlan left, right;
  };

  [[nodiscard]] const NetworkSpec& spec() const { return weights_.model().spec; }

  const TwoChannelRows& two_channel(const Rows& rows) const {
    const auto* found = dynamic_cast<const TwoChannelRows*>(&rows);
    if (found == nullptr || found->device() != device_) {
      throw InvalidArgument(fmt::format("network {}: these rows were made by another backend or network", spec().name));
    }
    return *found;
  }

  /// Plans for pairs from layer `first` of each stream on.
  PairPlan& plan(Extent patch, std::size_t first, std::int64_t count) {
    return plans_.get(std::to_string(first), patch, batch_limit(*device_, spec(), patch), count,
                      [&](std::int64_t batch) { return std::make_unique<PairPlan>(weights_, patch, first, batch); });
  }

  /// Runs a plan over `count` pairs: fill(begin, n) enqueues what makes the inputs of pairs [begin, begin + n).
  template <class Fill>
  void run(PairPlan& network, std::int64_t count, float* scores, const RunControl& control, const Fill& fill) {
    static const RangeName kPairs(Stage::compute, "score_pairs");
    for (std::int64_t begin = 0; begin < count; begin += network.batch()) {
      control.check();
      device_->profile.next_batch();
      const std::int64_t n = std::min(network.batch(), count - begin);
      const Range range(kPairs, {.pairs = n, .bytes = network.bytes()});
      device_->computing.begin(device_->stream());
      fill(begin, n);
      network.run();
      TWINPATCH_CUDA_CHECK(cudaMemcpyAsync(scores + begin, network.scores(),
                                           static_cast<std::size_t>(n) * sizeof(float), cudaMemcpyDeviceToDevice,
                                           device_->stream()));
      device_->computing.end(device_->stream());
      moved_ += network.bytes();
    }
    operations_ += network.operations() / static_cast<double>(network.batch()) * static_cast<double>(count);
  }

  /// scores[n] of pairs[n], row numbers of the two sides, whole pairs through the network.
  void score_whole(const TwoChannelRows& left, const TwoChannelRows& right, Extent patch, const std::int32_t* pairs,
                   std::int64_t count, float* scores, const RunControl& control) {
    PairPlan& network = plan(patch, 0, count);
    run(network, count, scores, control, [&](std::int64_t begin, std::int64_t n) {
      kernels::PatchSource sources[2] = {left.source(), right.source()};
      for (int side = 0; side < 2; ++side) {
        sources[side].index = pairs + 2 * begin + side;
        sources[side].index_stride = 2;
      }
      for (std::size_t i = 0; i < spec().streams.size(); ++i) {
        kernels::load_patches(device_->stream(), sources, 2, n, patch.height, patch.width,
                              view_of(spec().streams[i].view), device_->type, network.branch().input(i));
      }
    });
  }

  /// The same from halves, pairs being numbers within the last run of either side's plan.
  void score_halves(Halves& halves, const std::int32_t* pairs, std::int64_t count, float* scores,
                    const RunControl& control) {
    PairPlan& network = plan(halves.extent, halves.rule.layers, count);
    run(network, count, scores, control, [&](std::int64_t begin, std::int64_t n) {
      for (std::size_t i = 0; i < spec().streams.size(); ++i) {
        kernels::join_halves(device_->stream(), device_->type, halves.left.halves(i), halves.right.halves(i),
                             pairs + 2 * begin, n, halves.left.shape(i), squash_of(halves.rule.activation),
                             halves.rule.pool, network.branch().input(i));
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
    moved_ += count * plan.bytes();
    operations_ += static_cast<double>(count) * plan.operations();
  }

  Halves& halves_for(Extent patch, const JoinRule& rule, std::int64_t most_rows) {
    if (halves_ == nullptr || halves_->extent != patch) {
      halves_.reset();
      const std::int64_t batch = std::min(batch_limit(*device_, spec(), patch), most_rows);
      halves_ = std::make_unique<Halves>(Halves{patch, rule, HalvesPlan(weights_, patch, Side::left, batch),
                                                HalvesPlan(weights_, patch, Side::right, batch)});
    }
    return *halves_;
  }

  /// take(tile) for blocks of scores that cover the grid, each when it is enqueued; rows and columns count from 0.
  template <class Take>
  void walk_blocks(const Rows& left_rows, const Rows& right_rows, const RunControl& control, const Take& take) {
    const TwoChannelRows& left = two_channel(left_rows);
    const TwoChannelRows& right = two_channel(right_rows);
    if (left.size() == 0 || right.size() == 0) return;
    const Extent patch = check_pair(spec(), left.extent(), right.extent());
    const Turn turn(*device_);
    const auto block = halves_block(spec(), patch, device_->type, device_->context.pool().bound());
    const std::int64_t most = std::min(block.rows, left.size()) * std::min(block.columns, right.size());
    with_less_memory(
        most, [&](std::int64_t pairs) { walk(left, right, patch, pairs, control, take); }, [&] { release(); });
    account(left.size() * right.size(), 4 * left.size() * right.size());
  }

  template <class Take>
  void walk(const TwoChannelRows& left, const TwoChannelRows& right, Extent patch, std::int64_t most,
            const RunControl& control, const Take& take) {
    const auto rule = join_rule(spec(), patch);
    const auto block = halves_block(spec(), patch, device_->type, device_->context.pool().bound());
    const std::int64_t columns = std::min({block.columns, right.size(), most});
    const std::int64_t rows = std::clamp<std::int64_t>(most / columns, 1, std::min(block.rows, left.size()));
    HeldBuffer<float> values(device_, rows * columns);
    HeldBuffer<std::int32_t> pairs(device_, 2 * rows * columns);
    for (std::int64_t column = 0; column < right.size(); column += columns) {
      const std::int64_t wide = std::min(columns, right.size() - column);
      if (rule) make_halves(halves_for(patch, *rule, rows).right, right, column, wide);
      for (std::int64_t row = 0; row < left.size(); row += rows) {
        control.check();
        const std::int64_t tall = std::min(rows, left.size() - row);
        kernels::enumerate_pairs(device_->stream(), 0, tall * wide, wide, rule ? 0 : row, rule ? 0 : column,
                                 pairs.data());
        if (rule) {
          Halves& halves = halves_for(patch, *rule, rows);
          make_halves(halves.left, left, row, tall);
          score_halves(halves, pairs.data(), tall * wide, values.data(), control);
        } else {
          score_whole(left, right, patch, pairs.data(), tall * wide, values.data(), control);
        }
        take(kernels::ValueTile{.values = values.data(),
                                .stride = wide,
                                .rows = tall,
                                .columns = wide,
                                .first_row = row,
                                .first_column = column});
      }
    }
  }

  void release() {
    plans_.clear();
    halves_.reset();
    transfer_.delivery.start();
    moved_ = 0;
    operations_ = 0;
  }

  void account(std::int64_t pairs, std::int64_t read) {
    device_->statistics.add_pairs(pairs, std::exchange(operations_, 0.0));
    device_->statistics.add(Stage::compute, 0, std::exchange(moved_, 0));
    device_->statistics.add(Stage::select, 0, read);
  }

  std::shared_ptr<Device> device_;
  DeviceWeights weights_;
  PlanCache<PairPlan> plans_;
  std::unique_ptr<Halves> halves_;
  ListTransfer transfer_;
  double operations_ = 0;
  std::int64_t moved_ = 0;
};

}  // namespace

std::unique_ptr<PairScorer> make_two_channel_scorer(std::shared_ptr<Device> device,
                                                    std::shared_ptr<const Model> model) {
  return std::make_unique<TwoChannelScorer>(std::move(device), std::move(model));
}

}  // namespace twinpatch::cuda
