// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <utility>
#include <variant>

#include "cpu_internal.hpp"
#include "grid/pair_rule.hpp"
#include "grid/selection.hpp"

namespace twinpatch::cpu {
namespace {

/// Right rows packed at a time: small enough to stay in a core's own cache.
constexpr std::int64_t kPackedBytes = std::int64_t{768} << 10;

/// Work space of one thread.
struct Worker {
  RuleScratch rule;
  SelectionBlock block;
  std::vector<float> strip = std::vector<float>(kStripRows * kMaxPanel);
  std::vector<std::uint16_t> hits = std::vector<std::uint16_t>(kStripRows * kMaxPanel);
  std::vector<float> offsets = std::vector<float>(kStripRows);
  std::vector<float> row_limits = std::vector<float>(kStripRows);
  std::vector<float> column_limits;
};

/// A block of a tile: what one thread does in one go.
struct Block {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t first_panel = 0;
  std::int64_t last_panel = 0;
};

class SiameseScorer final : public PairScorer {
 public:
  SiameseScorer(std::shared_ptr<CpuContext> context, const std::shared_ptr<const Model>& model)
      : context_(std::move(context)), name_(model->spec.name), kernels_(grid_kernels()) {
    if (const auto* metric = std::get_if<DecisionMetric>(&model->spec.decision)) {
      rule_ = make_metric_rule(*metric, branch_size(model->spec));
    } else {
      rule_ = make_head_rule(*model);
    }
    workers_.resize(static_cast<std::size_t>(context_->pool.threads()));
  }

  void score_list(const Rows& left_rows, const Rows& right_rows, std::span<const IndexPair> pairs,
                  std::span<float> scores, const RunControl& control) override {
    const SiameseRows& left = siamese(left_rows, Side::left);
    const SiameseRows& right = siamese(right_rows, Side::right);
    const std::scoped_lock turn(mutex_);
    context_->pool.for_ranges(std::ssize(pairs), 1024, [&](std::int64_t begin, std::int64_t end, int worker) {
      control.check();
      RuleScratch& scratch = workers_[static_cast<std::size_t>(worker)].rule;
      for (std::int64_t at = begin; at < end; at += kStripRows) {
        const auto count = static_cast<std::size_t>(std::min(kStripRows, end - at));
        rule_->list(left, right, pairs.subspan(static_cast<std::size_t>(at), count), scratch, scores.data() + at);
      }
    });
  }

  void score_tile(PlacedRows placed_left, std::span<const PlacedRows> parts, Selection& selection,
                  const RunControl& control) override {
    const SiameseRows& left = siamese(*placed_left.rows, Side::left);
    auto* const target = dynamic_cast<CpuSelection*>(&selection);
    if (target == nullptr) throw InvalidArgument("scores of the CPU cannot go into a selection of another backend");
    const std::scoped_lock turn(mutex_);
    for (const PlacedRows& part : parts) {
      const SiameseRows& right = siamese(*part.rows, Side::right);
      target->check_tile(placed_left.first, left.size(), part.first, right.size());
      for_blocks(left, right, Purpose::select, control, [&](const Block& block, Worker& worker) {
        select_block(left, placed_left.first, part.first, block, worker, *target);
      });
    }
  }

  void score_block(const Rows& left_rows, const Rows& right_rows, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    const SiameseRows& left = siamese(left_rows, Side::left);
    const SiameseRows& right = siamese(right_rows, Side::right);
    const std::scoped_lock turn(mutex_);
    for_blocks(left, right, Purpose::write, control, [&](const Block& block, Worker& worker) {
      for (std::int64_t p = block.first_panel; p < block.last_panel; ++p) {
        rule_->strip(left, block.row, block.rows, columns_, p, Purpose::write, worker.rule, worker.strip.data());
        const std::int64_t j = p * kernels_.panel;
        const std::int64_t count = std::min(kernels_.panel, columns_.count - j);
        for (std::int64_t i = 0; i < block.rows; ++i) {
          float* out = scores + (block.row + i) * stride + columns_.first + j;
          std::copy_n(worker.strip.data() + i * kernels_.panel, count, out);
          rule_->finish({out, static_cast<std::size_t>(count)});
        }
      }
    });
  }

 private:
  const SiameseRows& siamese(const Rows& rows, Side side) const {
    const auto* result = dynamic_cast<const SiameseRows*>(&rows);
    if (result == nullptr) {
      throw InvalidArgument(fmt::format("network {}: these rows were made by another backend or network", name_));
    }
    if (result->side() != side) {
      throw InvalidArgument(fmt::format("network {}: rows of the {} side stand on the {}", name_,
                                        side == Side::left ? "right" : "left", side == Side::left ? "left" : "right"));
    }
    return *result;
  }

  /// Packs the right rows piece by piece and calls body(block, worker) for blocks that cover left × piece, in parallel.
  void for_blocks(const SiameseRows& left, const SiameseRows& right, Purpose purpose, const RunControl& control,
                  const std::function<void(const Block&, Worker&)>& body) {
    const std::int64_t panel = kernels_.panel;
    const std::int64_t column_bytes = std::max<std::int64_t>(1, right.values.columns()) * 4;
    const std::int64_t piece = std::max(panel, kPackedBytes / column_bytes / panel * panel);
    const std::int64_t row_blocks = ceil_divide(left.size(), kStripRows);
    if (row_blocks == 0) return;
    for (std::int64_t first = 0; first < right.size(); first += piece) {
      control.check();
      rule_->pack(right, first, std::min(piece, right.size() - first), purpose, context_->pool, columns_);
      const std::int64_t panels = ceil_divide(columns_.count, panel);
      // Few left rows: the columns are split among the threads as well.
      const std::int64_t wanted = ceil_divide(4 * context_->pool.threads(), row_blocks);
      const std::int64_t splits = std::clamp<std::int64_t>(wanted, 1, panels);
      context_->pool.for_ranges(row_blocks * splits, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
        for (std::int64_t at = begin; at < end; ++at) {
          const std::int64_t row = at / splits * kStripRows;
          const std::int64_t split = at % splits;
          const Block block{row, std::min(kStripRows, left.size() - row), split * panels / splits,
                            (split + 1) * panels / splits};
          body(block, workers_[static_cast<std::size_t>(worker)]);
        }
      });
    }
  }

  void select_block(const SiameseRows& left, std::int64_t first_row, std::int64_t first_column, const Block& block,
                    Worker& worker, CpuSelection& selection) const {
    const std::int64_t panel = kernels_.panel;
    const std::int64_t first = block.first_panel * panel;
    const std::int64_t count = std::min(block.last_panel * panel, columns_.count) - first;
    worker.block.begin(selection, first_row + block.row, block.rows, first_column + columns_.first + first, count);
    for (std::int64_t i = 0; i < block.rows; ++i) {
      worker.offsets[static_cast<std::size_t>(i)] = rule_->row_offset(left, block.row + i);
      worker.row_limits[static_cast<std::size_t>(i)] = rule_->needed(worker.block.row_limit(i));
    }
    if (worker.block.has_columns()) {
      worker.column_limits.assign(static_cast<std::size_t>((block.last_panel - block.first_panel) * panel),
                                  std::numeric_limits<float>::max());
      for (std::int64_t j = 0; j < count; ++j) {
        worker.column_limits[static_cast<std::size_t>(j)] = rule_->needed(worker.block.column_limit(j));
      }
    }
    for (std::int64_t p = block.first_panel; p < block.last_panel; ++p) {
      rule_->strip(left, block.row, block.rows, columns_, p, Purpose::select, worker.rule, worker.strip.data());
      select_strip(left, first_row, first_column, block, p, worker);
    }
    worker.block.end(selection);
  }

  /// Looks through the values of one strip; what reaches a limit is scored exactly and offered.
  void select_strip(const SiameseRows& left, std::int64_t first_row, std::int64_t first_column, const Block& block,
                    std::int64_t p, Worker& worker) const {
    const std::int64_t panel = kernels_.panel;
    const std::int64_t first = (p - block.first_panel) * panel;  // column of the block
    float* const column_limits = worker.block.has_columns() ? worker.column_limits.data() + first : nullptr;
    const std::int64_t count = kernels_.find(worker.strip.data(), panel, block.rows, worker.offsets.data(),
                                             worker.row_limits.data(), column_limits, worker.hits.data());
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t position = worker.hits[static_cast<std::size_t>(n)];
      const std::int64_t i = position / panel;
      const std::int64_t j = position % panel;
      if (p * panel + j >= columns_.count) continue;  // padding
      const auto row = static_cast<std::size_t>(i);
      const float value = worker.strip[static_cast<std::size_t>(position)] - worker.offsets[row];
      // Limits may have risen since the strip was looked through. Values that are not numbers stay in.
      const bool below_column = column_limits == nullptr || value < column_limits[j];
      if (std::isfinite(value) && value < worker.row_limits[row] && below_column) continue;
      const std::int64_t right_row = columns_.first + p * panel + j;
      const float score = rule_->exact(left, block.row + i, *columns_.rows, right_row, value);
      if (!std::isfinite(score)) {
        throw NotFinite(fmt::format("network {}: the score of left patch {} and right patch {} is not finite ({})",
                                    name_, first_row + block.row + i, first_column + right_row, score));
      }
      worker.block.offer(i, first + j, score);
      worker.row_limits[row] = rule_->needed(worker.block.row_limit(i));
      if (column_limits != nullptr) column_limits[j] = rule_->needed(worker.block.column_limit(first + j));
    }
  }

  std::shared_ptr<CpuContext> context_;
  std::string name_;
  const GridKernels& kernels_;
  std::unique_ptr<PairRule> rule_;
  std::mutex mutex_;  ///< guards what follows: calls take turns
  Columns columns_;
  std::vector<Worker> workers_;
};

}  // namespace

std::unique_ptr<PairScorer> make_siamese_scorer(std::shared_ptr<CpuContext> context,
                                                const std::shared_ptr<const Model>& model) {
  return std::make_unique<SiameseScorer>(std::move(context), model);
}

}  // namespace twinpatch::cpu
