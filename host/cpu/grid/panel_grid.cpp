// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "grid/packed_runs.hpp"
#include "twinpatch/backend/empty_selection.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::cpu {
namespace {

/// Work space of one thread.
struct Worker {
  SelectionBlock block;
  std::vector<float> strip = std::vector<float>(kStripRows * kMaxPanel);
  std::vector<std::uint16_t> hits = std::vector<std::uint16_t>(kStripRows * kMaxPanel);
  std::vector<float> offsets = std::vector<float>(kStripRows);
  std::vector<float> row_limits = std::vector<float>(kStripRows);
  std::vector<float> column_limits;
};

/// What one thread does in one go: a strip of left rows against some panels of a run.
struct Block {
  Strip left;
  const Run* right = nullptr;
  std::int64_t first_panel = 0;  ///< of the packed ones
  std::int64_t last_panel = 0;
};

class PanelGrid final : public GridStrategy {
 public:
  PanelGrid(std::shared_ptr<CpuContext> context, std::string network, std::unique_ptr<PanelScoring> scoring)
      : context_(std::move(context)),
        network_(std::move(network)),
        scoring_(std::move(scoring)),
        packed_(context_->pool, *scoring_),
        workers_(static_cast<std::size_t>(context_->pool.threads())) {}

  void select(const GridTile& tile, CpuSelection& selection, const RunControl& control) override {
    const SiameseRows& left = siamese_rows(*tile.left.rows, Side::left, network_);
    std::vector<Run> runs;
    for (const PlacedRows& part : tile.right) {
      const SiameseRows& right = siamese_rows(*part.rows, Side::right, network_);
      check_tile(selection.request(), tile.left.first, left.size(), part.first, right.size());
      for_each_segment(selection.request(), part.first, right.size(),
                       [&](std::int64_t segment, std::int64_t column, std::int64_t count) {
                         add_runs({&right, column - part.first, count, column, segment}, runs);
                       });
    }
    for_blocks(left, runs, Purpose::select, control,
               [&](const Block& block, int worker) { select_block(block, tile.left.first, worker, selection); });
  }

  void write(const Rows& left_rows, const Rows& right_rows, ScoreMatrix out, const RunControl& control) override {
    const SiameseRows& left = siamese_rows(left_rows, Side::left, network_);
    const SiameseRows& right = siamese_rows(right_rows, Side::right, network_);
    std::vector<Run> runs;
    add_runs({&right, 0, right.size()}, runs);
    for_blocks(left, runs, Purpose::write, control,
               [&](const Block& block, int worker) { write_block(block, worker, out); });
  }

 private:
  /// Calls body(block, worker) for blocks that cover left × runs, in parallel.
  void for_blocks(const SiameseRows& left, std::span<Run> runs, Purpose purpose, const RunControl& control,
                  const std::function<void(const Block&, int worker)>& body) {
    if (left.size() == 0) return;
    while (!runs.empty()) {
      control.check();
      const std::span<Run> packed = packed_.pack(runs, purpose);
      const std::int64_t blocks = number_blocks(left, packed);
      context_->pool.for_ranges(blocks, 1, [&](std::int64_t at, std::int64_t, int worker) {
        control.check();
        body(block_of(left, run_of(packed, &Run::first_block, at), at), worker);
      });
      runs = runs.subspan(packed.size());
    }
  }

  /// Divides the packed runs into blocks: a run's come one after the other, so that it stays in the caches.
  std::int64_t number_blocks(const SiameseRows& left, std::span<Run> packed) const {
    const std::int64_t strips = ceil_divide(left.size(), kStripRows);
    // Few strips: the columns are split among the threads as well.
    const std::int64_t wanted = ceil_divide(4 * context_->pool.threads(), strips * std::ssize(packed));
    std::int64_t blocks = 0;
    for (Run& run : packed) {
      run.splits = std::clamp<std::int64_t>(wanted, 1, run.panels());
      run.first_block = blocks;
      blocks += strips * run.splits;
    }
    return blocks;
  }

  static Block block_of(const SiameseRows& left, const Run& run, std::int64_t at) {
    at -= run.first_block;
    const std::int64_t row = at / run.splits * kStripRows;
    const std::int64_t split = at % run.splits;
    return {{&left, row, std::min(kStripRows, left.size() - row)},
            &run,
            run.first_panel + split * run.panels() / run.splits,
            run.first_panel + (split + 1) * run.panels() / run.splits};
  }

  void write_block(const Block& block, int index, ScoreMatrix out) {
    Worker& worker = workers_[static_cast<std::size_t>(index)];
    for (std::int64_t p = block.first_panel; p < block.last_panel; ++p) {
      const Panel right = packed_.panel(*block.right, p);
      scoring_->score(block.left, right, Purpose::write, index, worker.strip.data());
      for (std::int64_t i = 0; i < block.left.count; ++i) {
        float* const row = out.scores + (block.left.first + i) * out.stride + right.first;
        std::copy_n(worker.strip.data() + i * kernels_.panel, right.count, row);
        scoring_->finish({row, static_cast<std::size_t>(right.count)});
      }
    }
  }

  void select_block(const Block& block, std::int64_t first_row, int index, CpuSelection& selection) {
    Worker& worker = workers_[static_cast<std::size_t>(index)];
    const GridBlock place = place_of(block, first_row);
    begin_block(block.left, place, worker, selection);
    for (std::int64_t p = block.first_panel; p < block.last_panel; ++p) {
      const Panel right = packed_.panel(*block.right, p);
      scoring_->score(block.left, right, Purpose::select, index, worker.strip.data());
      select_strip(block.left, right, place, (p - block.first_panel) * kernels_.panel, worker);
    }
    worker.block.end(selection);
  }

  [[nodiscard]] GridBlock place_of(const Block& block, std::int64_t first_row) const {
    const Run& run = *block.right;
    const std::int64_t skipped = (block.first_panel - run.first_panel) * kernels_.panel;
    const std::int64_t columns = (block.last_panel - block.first_panel) * kernels_.panel;
    return {first_row + block.left.first, block.left.count, run.column + skipped,
            std::min(columns, run.count - skipped), run.segment};
  }

  /// Takes over how good scores must be by now.
  void begin_block(const Strip& left, const GridBlock& place, Worker& worker, const CpuSelection& selection) const {
    worker.block.begin(selection, place);
    for (std::int64_t i = 0; i < place.rows; ++i) {
      worker.offsets[static_cast<std::size_t>(i)] = scoring_->row_offset(*left.rows, left.first + i);
      worker.row_limits[static_cast<std::size_t>(i)] = scoring_->needed(worker.block.row_limit(i));
    }
    if (!worker.block.has_columns()) return;
    const std::int64_t padded = round_up(place.columns, kernels_.panel);
    worker.column_limits.assign(static_cast<std::size_t>(padded), std::numeric_limits<float>::max());
    for (std::int64_t j = 0; j < place.columns; ++j) {
      worker.column_limits[static_cast<std::size_t>(j)] = scoring_->needed(worker.block.column_limit(j));
    }
  }

  /// Looks through the values of one strip; what reaches a limit is scored exactly and offered. `first` is the panel's
  /// first column in the block that lies at `place`.
  void select_strip(const Strip& left, const Panel& right, const GridBlock& place, std::int64_t first,
                    Worker& worker) const {
    const std::int64_t panel = kernels_.panel;
    float* const column_limits = worker.block.has_columns() ? worker.column_limits.data() + first : nullptr;
    const StripLimits limits{worker.strip.data(), left.count, worker.offsets.data(), worker.row_limits.data(),
                             column_limits};
    const std::int64_t count = kernels_.find(limits, worker.hits.data());
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t position = worker.hits[static_cast<std::size_t>(n)];
      const std::int64_t i = position / panel;
      const std::int64_t j = position % panel;
      if (j >= right.count) continue;  // padding
      const auto row = static_cast<std::size_t>(i);
      const float value = worker.strip[static_cast<std::size_t>(position)] - worker.offsets[row];
      // Limits may have risen since the strip was looked through. Values that are not numbers stay in.
      const bool below_column = column_limits == nullptr || value < column_limits[j];
      if (std::isfinite(value) && value < worker.row_limits[row] && below_column) continue;
      const float score = scoring_->exact(*left.rows, left.first + i, *right.rows, right.first + j, value);
      if (!std::isfinite(score)) refuse_score(place.first_row + i, place.first_column + first + j, score);
      worker.block.offer(i, first + j, score);
      worker.row_limits[row] = scoring_->needed(worker.block.row_limit(i));
      if (column_limits != nullptr) column_limits[j] = scoring_->needed(worker.block.column_limit(first + j));
    }
  }

  [[noreturn]] void refuse_score(std::int64_t row, std::int64_t column, float score) const {
    throw NotFinite::of_score(network_, {static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)}, score);
  }

  std::shared_ptr<CpuContext> context_;
  std::string network_;
  const GridKernels& kernels_ = grid_kernels();
  std::unique_ptr<PanelScoring> scoring_;
  PackedRuns packed_;
  std::vector<Worker> workers_;
};

}  // namespace

std::unique_ptr<GridStrategy> make_panel_grid(std::shared_ptr<CpuContext> context, std::string network,
                                              std::unique_ptr<PanelScoring> scoring) {
  return std::make_unique<PanelGrid>(std::move(context), std::move(network), std::move(scoring));
}

}  // namespace twinpatch::cpu
