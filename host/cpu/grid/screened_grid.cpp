// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "grid/blocks.hpp"
#include "grid/screened_block.hpp"
#include "twinpatch/core/buffer.hpp"

namespace twinpatch::cpu {
namespace {

/// Room for the rows of a side in 8 bits.
class StoredRows {
 public:
  void reserve(std::int64_t rows, std::int64_t depth) {
    if (values_.size() < rows * depth) values_ = Buffer<std::uint8_t>(rows * depth);
    if (starts_.size() < rows) {
      starts_ = Buffer<std::int32_t>(rows);
      factors_ = Buffer<float>(3 * rows);
    }
  }
  [[nodiscard]] ScreenedRows from(std::int64_t row, std::int64_t depth) {
    float* const factors = factors_.data();
    const ScreenedRows all{values_.data(), factors, factors + starts_.size(), factors + 2 * starts_.size(),
                           starts_.data()};
    return all.from(row, depth);
  }

 private:
  Buffer<std::uint8_t> values_;
  Buffer<float> factors_;
  Buffer<std::int32_t> starts_;
};

/// Keeps what a row's values became.
void put(const ScreenedRow& row, const ScreenedRows& into, std::int64_t at) {
  into.scales[at] = row.scale;
  into.levels[at] = row.level;
  into.widths[at] = row.width;
  into.starts[at] = row.start;
}

class ScreenedGrid final : public GridStrategy {
 public:
  ScreenedGrid(std::shared_ptr<CpuContext> context, std::string network, ScreenedParts parts)
      : context_(std::move(context)),
        network_(std::move(network)),
        parts_(std::move(parts)),
        workers_(static_cast<std::size_t>(context_->pool.threads()), ScreenedBlock(network_, parts_)) {}

  void select(const GridTile& tile, CpuSelection& selection, const RunControl& control) override {
    const SiameseRows& left = siamese_rows(*tile.left.rows, Side::left, network_);
    depth_ = round_up(std::max<std::int64_t>(1, left.values.columns()), parts_.kernels->grain);
    std::vector<Run> runs = runs_of(tile, selection.request(), network_, depth_);
    std::vector<const SiameseRows*> right;
    for (const PlacedRows& part : tile.right) right.push_back(&siamese_rows(*part.rows, Side::right, network_));
    if (left.size() == 0 || runs.empty()) return;
    if (!parts_.screen->prepare(left, right)) {
      parts_.full->select(tile, selection, control);
      return;
    }
    store_left(left);
    const BlockWork work{
        .row_bytes = depth_,
        .reserve = [this](std::int64_t panels) { right_.reserve(panels * parts_.kernels->panel, depth_); },
        .pack = [this](const Panel& panel, std::int64_t at) { store_panel(panel, at); },
        .score = [&](const Block& block, int worker) { select_block(block, tile.left.first, worker, selection); }};
    for_blocks(context_->pool, left, runs, work, control);
  }

  void write(const Rows& left, const Rows& right, ScoreMatrix out, const RunControl& control) override {
    parts_.full->write(left, right, out, control);
  }

 private:
  void store_left(const SiameseRows& left) {
    left_.reserve(left.size(), depth_);
    context_->pool.for_ranges(left.size(), kStripRows, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) {
        const ScreenedRows into = left_.from(i, depth_);
        put(parts_.screen->store_left(left, i, into.values), into, 0);
        std::fill(into.values + left.values.columns(), into.values + depth_, std::uint8_t{0});
      }
    });
  }

  void store_panel(const Panel& right, std::int64_t at) {
    const std::int64_t panel = parts_.kernels->panel;
    const ScreenedRows into = right_.from(at * panel, depth_);
    std::vector<std::uint8_t> stored(static_cast<std::size_t>(depth_));
    for (std::int64_t j = 0; j < panel; ++j) {
      ScreenedRow row{.level = kPadding};
      if (j < right.count) row = parts_.screen->store_right(*right.rows, right.first + j, stored.data());
      if (j == right.count) std::fill(stored.begin(), stored.end(), std::uint8_t{0});
      for (std::int64_t k = 0; k < depth_; k += 4) std::copy_n(stored.data() + k, 4, into.values + k * panel + j * 4);
      put(row, into, j);
    }
  }

  void select_block(const Block& block, std::int64_t first_row, int index, CpuSelection& selection) {
    ScreenedBlock& worker = workers_[static_cast<std::size_t>(index)];
    const std::int64_t panel = parts_.kernels->panel;
    worker.begin(block.left, left_.from(block.left.first, depth_), depth_, block.place(first_row), selection);
    for (std::int64_t at = block.first_panel; at < block.last_panel; ++at) {
      worker.select(block.right->panel(at), right_.from(at * panel, depth_), (at - block.first_panel) * panel, index);
    }
    context_->screened.add(worker.end(selection));
  }

  std::shared_ptr<CpuContext> context_;
  std::string network_;
  ScreenedParts parts_;
  std::int64_t depth_ = 0;  ///< of stored rows, padded
  StoredRows left_;         ///< [rows, depth]
  StoredRows right_;        ///< [panels, depth / 4, panel, 4]
  std::vector<ScreenedBlock> workers_;
};

}  // namespace

std::unique_ptr<GridStrategy> make_screened_grid(std::shared_ptr<CpuContext> context, std::string network,
                                                 ScreenedParts parts) {
  return std::make_unique<ScreenedGrid>(std::move(context), std::move(network), std::move(parts));
}

}  // namespace twinpatch::cpu
