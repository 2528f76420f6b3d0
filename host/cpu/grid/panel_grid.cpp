// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <utility>
#include <variant>

#include "grid/panel_scoring.hpp"
#include "grid/selection.hpp"
#include "plan/context.hpp"

namespace twinpatch::cpu {
namespace {

/// Right rows that one thread scores at a time: small enough to stay in a core's own cache.
constexpr std::int64_t kRunBytes = std::int64_t{768} << 10;
/// Most right rows packed at a time, by however many threads. Threads wait for each other after packing and after
/// scoring; a run for each of them keeps that seldom, though an image may be small.
constexpr std::int64_t kPackedBytes = std::int64_t{16} << 20;

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

/// Right rows of one part that lie in one segment of the grid, at most kRunBytes of them: consecutive panels.
struct Run {
  const SiameseRows* rows = nullptr;
  std::int64_t first = 0;  ///< row of `rows`
  std::int64_t count = 0;
  std::int64_t column = 0;  ///< of the grid
  std::int64_t segment = 0;
  std::int64_t first_panel = 0;  ///< of the packed ones
  std::int64_t first_block = 0;  ///< of the blocks of all runs packed together
  std::int64_t splits = 1;       ///< into so many pieces its panels are split among threads
};

/// What one thread does in one go: a strip of left rows against some panels of a run.
struct Block {
  Strip left;
  const Run* right = nullptr;
  std::int64_t first_panel = 0;  ///< of the packed ones
  std::int64_t last_panel = 0;
  std::int64_t skipped = 0;  ///< columns of the run before the first panel
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
    std::vector<Run> runs;
    for (const PlacedRows& part : parts) {
      const SiameseRows& right = siamese(*part.rows, Side::right);
      target->check_tile(placed_left.first, left.size(), part.first, right.size());
      for_each_segment(target->request(), part.first, right.size(),
                       [&](std::int64_t segment, std::int64_t column, std::int64_t count) {
                         add_runs({&right, column - part.first, count, column, segment}, runs);
                       });
    }
    for_blocks(left, runs, Purpose::select, control,
               [&](const Block& block, Worker& worker) { select_block(block, placed_left.first, worker, *target); });
  }

  void score_block(const Rows& left_rows, const Rows& right_rows, float* scores, std::int64_t stride,
                   const RunControl& control) override {
    const SiameseRows& left = siamese(left_rows, Side::left);
    const SiameseRows& right = siamese(right_rows, Side::right);
    const std::scoped_lock turn(mutex_);
    std::vector<Run> runs;
    add_runs({&right, 0, right.size()}, runs);
    for_blocks(left, runs, Purpose::write, control, [&](const Block& block, Worker& worker) {
      for (std::int64_t p = block.first_panel; p < block.last_panel; ++p) {
        const Panel panel = panel_of(*block.right, p);
        rule_->score(block.left, panel, Purpose::write, worker.rule, worker.strip.data());
        for (std::int64_t i = 0; i < block.left.count; ++i) {
          float* out = scores + (block.left.first + i) * stride + panel.first;
          std::copy_n(worker.strip.data() + i * kernels_.panel, panel.count, out);
          rule_->finish({out, static_cast<std::size_t>(panel.count)});
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

  /// Appends `all` in runs of at most kRunBytes.
  void add_runs(const Run& all, std::vector<Run>& runs) const {
    const std::int64_t panel = kernels_.panel;
    const std::int64_t column_bytes = std::max<std::int64_t>(1, all.rows->values.columns()) * 4;
    const std::int64_t most = std::max(panel, kRunBytes / column_bytes / panel * panel);
    for (std::int64_t at = 0; at < all.count; at += most) {
      Run run = all;
      run.first += at;
      run.column += at;
      run.count = std::min(most, all.count - at);
      runs.push_back(run);
    }
  }

  [[nodiscard]] std::int64_t panels(const Run& run) const { return ceil_divide(run.count, kernels_.panel); }

  /// Panel p of the packed ones, which is one of the run's.
  Panel panel_of(const Run& run, std::int64_t p) {
    const std::int64_t panel = kernels_.panel;
    const std::int64_t at = (p - run.first_panel) * panel;
    float* const values = rule_->reads_panels() ? packed_.data() + p * panel * run.rows->values.columns() : nullptr;
    return {run.rows, run.first + at, std::min(panel, run.count - at), values, constants_.data() + p * panel};
  }

  /// Packs as many runs at a time as kPackedBytes hold and calls body(block, worker) for blocks that cover left × runs,
  /// in parallel.
  void for_blocks(const SiameseRows& left, std::span<Run> runs, Purpose purpose, const RunControl& control,
                  const std::function<void(const Block&, Worker&)>& body) {
    if (left.size() == 0) return;
    const std::int64_t depth = left.values.columns();
    const std::int64_t packed_bytes = std::min(kPackedBytes, kRunBytes * context_->pool.threads());
    const std::int64_t most = packed_bytes / (std::max<std::int64_t>(1, depth) * kernels_.panel * 4);
    while (!runs.empty()) {
      control.check();
      std::size_t count = 0;
      std::int64_t all_panels = 0;
      do {
        runs[count].first_panel = all_panels;
        all_panels += panels(runs[count++]);
      } while (count < runs.size() && all_panels + panels(runs[count]) <= most);
      pack(runs.first(count), all_panels, depth, purpose);
      score_packed(left, runs.first(count), control, body);
      runs = runs.subspan(count);
    }
  }

  void pack(std::span<const Run> runs, std::int64_t all_panels, std::int64_t depth, Purpose purpose) {
    const std::int64_t panel = kernels_.panel;
    if (constants_.size() < all_panels * panel) constants_ = Buffer<float>(all_panels * panel);
    if (rule_->reads_panels() && packed_.size() < all_panels * panel * depth) {
      packed_ = Buffer<float>(all_panels * panel * depth);
    }
    context_->pool.for_ranges(all_panels, 1, [&](std::int64_t p, std::int64_t, int) {
      const auto after = std::upper_bound(runs.begin(), runs.end(), p,
                                          [](std::int64_t at, const Run& run) { return at < run.first_panel; });
      rule_->pack(panel_of(*std::prev(after), p), purpose);
    });
  }

  void score_packed(const SiameseRows& left, std::span<Run> runs, const RunControl& control,
                    const std::function<void(const Block&, Worker&)>& body) {
    const std::int64_t strips = ceil_divide(left.size(), kStripRows);
    // Few strips: the columns are split among the threads as well.
    const std::int64_t wanted = ceil_divide(4 * context_->pool.threads(), strips * std::ssize(runs));
    std::int64_t blocks = 0;
    for (Run& run : runs) {
      run.splits = std::clamp<std::int64_t>(wanted, 1, panels(run));
      run.first_block = blocks;
      blocks += strips * run.splits;
    }
    context_->pool.for_ranges(blocks, 1, [&](std::int64_t at, std::int64_t, int worker) {
      control.check();
      const auto after = std::upper_bound(runs.begin(), runs.end(), at,
                                          [](std::int64_t block, const Run& run) { return block < run.first_block; });
      const Run& run = *std::prev(after);
      at -= run.first_block;
      const std::int64_t row = at / run.splits * kStripRows;
      const std::int64_t skipped = at % run.splits * panels(run) / run.splits;
      const std::int64_t end = (at % run.splits + 1) * panels(run) / run.splits;
      const Block block{{&left, row, std::min(kStripRows, left.size() - row)},
                        &run,
                        run.first_panel + skipped,
                        run.first_panel + end,
                        skipped * kernels_.panel};
      body(block, workers_[static_cast<std::size_t>(worker)]);
    });
  }

  void select_block(const Block& block, std::int64_t first_row, Worker& worker, CpuSelection& selection) {
    const std::int64_t panel = kernels_.panel;
    const Run& run = *block.right;
    const std::int64_t columns = (block.last_panel - block.first_panel) * panel;
    const std::int64_t count = std::min(columns, run.count - block.skipped);
    const GridBlock place{first_row + block.left.first, block.left.count, run.column + block.skipped, count,
                          run.segment};
    worker.block.begin(selection, place);
    for (std::int64_t i = 0; i < place.rows; ++i) {
      worker.offsets[static_cast<std::size_t>(i)] = rule_->row_offset(*block.left.rows, block.left.first + i);
      worker.row_limits[static_cast<std::size_t>(i)] = rule_->needed(worker.block.row_limit(i));
    }
    if (worker.block.has_columns()) {
      worker.column_limits.assign(static_cast<std::size_t>(columns), std::numeric_limits<float>::max());
      for (std::int64_t j = 0; j < count; ++j) {
        worker.column_limits[static_cast<std::size_t>(j)] = rule_->needed(worker.block.column_limit(j));
      }
    }
    for (std::int64_t p = block.first_panel; p < block.last_panel; ++p) {
      const Panel right = panel_of(run, p);
      rule_->score(block.left, right, Purpose::select, worker.rule, worker.strip.data());
      select_strip(block.left, right, place, (p - block.first_panel) * panel, worker);
    }
    worker.block.end(selection);
  }

  /// Looks through the values of one strip; what reaches a limit is scored exactly and offered. `first` is the panel's
  /// first column in the block that lies at `place`.
  void select_strip(const Strip& left, const Panel& right, const GridBlock& place, std::int64_t first,
                    Worker& worker) const {
    const std::int64_t panel = kernels_.panel;
    float* const column_limits = worker.block.has_columns() ? worker.column_limits.data() + first : nullptr;
    const std::int64_t count = kernels_.find(worker.strip.data(), panel, left.count, worker.offsets.data(),
                                             worker.row_limits.data(), column_limits, worker.hits.data());
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
      const float score = rule_->exact(*left.rows, left.first + i, *right.rows, right.first + j, value);
      if (!std::isfinite(score)) refuse_score(place.first_row + i, place.first_column + first + j, score);
      worker.block.offer(i, first + j, score);
      worker.row_limits[row] = rule_->needed(worker.block.row_limit(i));
      if (column_limits != nullptr) column_limits[j] = rule_->needed(worker.block.column_limit(first + j));
    }
  }

  [[noreturn]] void refuse_score(std::int64_t row, std::int64_t column, float score) const {
    throw NotFinite::of_score(name_, {static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)}, score);
  }

  std::shared_ptr<CpuContext> context_;
  std::string name_;
  const GridKernels& kernels_;
  std::unique_ptr<PairRule> rule_;
  std::mutex mutex_;         ///< guards what follows: calls take turns
  Buffer<float> packed_;     ///< [panels, depth, panel] of the runs at hand
  Buffer<float> constants_;  ///< [panels, panel]
  std::vector<Worker> workers_;
};

}  // namespace

std::unique_ptr<PairScorer> make_siamese_scorer(std::shared_ptr<CpuContext> context,
                                                const std::shared_ptr<const Model>& model) {
  return std::make_unique<SiameseScorer>(std::move(context), model);
}

}  // namespace twinpatch::cpu
