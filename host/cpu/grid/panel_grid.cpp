// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "grid/blocks.hpp"
#include "grid/panel_selector.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch::cpu {
namespace {

class PanelGrid final : public GridStrategy {
 public:
  PanelGrid(std::shared_ptr<CpuContext> context, std::string network, std::unique_ptr<PanelScoring> scoring)
      : context_(std::move(context)),
        network_(std::move(network)),
        scoring_(std::move(scoring)),
        selectors_(static_cast<std::size_t>(context_->pool.threads()), PanelSelector(network_, *scoring_)),
        strips_(selectors_.size(), std::vector<float>(kStripRows * kMaxPanel)) {}

  void select(const GridTile& tile, CpuSelection& selection, const RunControl& control) override {
    const SiameseRows& left = siamese_rows(*tile.left.rows, Side::left, network_);
    std::vector<Run> runs = runs_of(tile, selection.request(), network_, row_bytes(left));
    for_blocks(context_->pool, left, runs,
               work(left, Purpose::select,
                    [&](const Block& block, int worker) { select_block(block, tile.left.first, worker, selection); }),
               control);
  }

  void write(const Rows& left_rows, const Rows& right_rows, ScoreMatrix out, const RunControl& control) override {
    const SiameseRows& left = siamese_rows(left_rows, Side::left, network_);
    const SiameseRows& right = siamese_rows(right_rows, Side::right, network_);
    std::vector<Run> runs;
    add_runs({&right, 0, right.size()}, row_bytes(left), runs);
    for_blocks(context_->pool, left, runs,
               work(left, Purpose::write, [&](const Block& block, int worker) { write_block(block, worker, out); }),
               control);
  }

 private:
  static std::int64_t row_bytes(const SiameseRows& rows) {
    return std::max<std::int64_t>(1, rows.values.columns()) * 4;
  }

  BlockWork work(const SiameseRows& left, Purpose purpose, std::function<void(const Block&, int worker)> score) {
    depth_ = scoring_->reads_panels() ? left.values.columns() : 0;
    return {
        .row_bytes = row_bytes(left),
        .reserve =
            [this](std::int64_t panels) {
              if (constants_.size() < panels * kernels_.panel) constants_ = Buffer<float>(panels * kernels_.panel);
              const std::int64_t values = panels * kernels_.panel * depth_;
              if (values_.size() < values) values_ = Buffer<float>(values);
            },
        .pack = [this, purpose](const Panel& right, std::int64_t at) { scoring_->pack(packed(right, at), purpose); },
        .score = std::move(score)};
  }

  /// Right rows with where they are packed.
  Panel packed(Panel right, std::int64_t at) {
    right.values = scoring_->reads_panels() ? values_.data() + at * kernels_.panel * depth_ : nullptr;
    right.constants = constants_.data() + at * kernels_.panel;
    return right;
  }

  void select_block(const Block& block, std::int64_t first_row, int worker, CpuSelection& selection) {
    PanelSelector& selector = selectors_[static_cast<std::size_t>(worker)];
    selector.begin(block.place(first_row), selection);
    selector.take_limits(block.left);
    for (std::int64_t at = block.first_panel; at < block.last_panel; ++at) {
      const std::int64_t first = (at - block.first_panel) * kernels_.panel;
      selector.select(block.left, packed(block.right->panel(at), at), first, worker);
    }
    selector.block().end(selection);
  }

  void write_block(const Block& block, int worker, ScoreMatrix out) {
    std::vector<float>& strip = strips_[static_cast<std::size_t>(worker)];
    for (std::int64_t at = block.first_panel; at < block.last_panel; ++at) {
      const Panel right = packed(block.right->panel(at), at);
      scoring_->score(block.left, right, Purpose::write, worker, strip.data());
      for (std::int64_t i = 0; i < block.left.count; ++i) {
        float* const row = out.scores + (block.left.first + i) * out.stride + right.first;
        std::copy_n(strip.data() + i * kernels_.panel, right.count, row);
        scoring_->finish({row, static_cast<std::size_t>(right.count)});
      }
    }
  }

  std::shared_ptr<CpuContext> context_;
  std::string network_;
  const GridKernels& kernels_ = grid_kernels();
  std::unique_ptr<PanelScoring> scoring_;
  std::int64_t depth_ = 0;   ///< of packed rows; 0 where they are read directly
  Buffer<float> values_;     ///< [panels, depth, panel]
  Buffer<float> constants_;  ///< [panels, panel]
  std::vector<PanelSelector> selectors_;
  std::vector<std::vector<float>> strips_;
};

}  // namespace

std::unique_ptr<GridStrategy> make_panel_grid(std::shared_ptr<CpuContext> context, std::string network,
                                              std::unique_ptr<PanelScoring> scoring) {
  return std::make_unique<PanelGrid>(std::move(context), std::move(network), std::move(scoring));
}

}  // namespace twinpatch::cpu
