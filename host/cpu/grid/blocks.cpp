// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/blocks.hpp"

#include <algorithm>

#include "twinpatch/backend/empty_selection.hpp"

namespace twinpatch::cpu {
namespace {

/// Right rows that one thread scores at a time: small enough to stay in a core's own cache.
constexpr std::int64_t kRunBytes = std::int64_t{768} << 10;
/// Most right rows packed at a time, by however many threads. Threads wait for each other after packing and after
/// scoring; a run for each of them keeps that seldom, though an image may be small.
constexpr std::int64_t kPackedBytes = std::int64_t{16} << 20;

/// The run that panel or block `at` belongs to: the last one whose `first` (a member of Run) is not behind it.
const Run& run_of(std::span<const Run> runs, std::int64_t Run::*first, std::int64_t at) {
  const auto after = std::upper_bound(runs.begin(), runs.end(), at,
                                      [first](std::int64_t value, const Run& run) { return value < run.*first; });
  return *std::prev(after);
}

/// The first runs that are packed together; numbers their panels.
std::span<Run> take_runs(std::span<Run> runs, std::int64_t row_bytes, int threads) {
  const std::int64_t packed_bytes = std::min(kPackedBytes, kRunBytes * threads);
  const std::int64_t most = packed_bytes / (row_bytes * grid_kernels().panel);
  std::size_t count = 0;
  std::int64_t panels = 0;
  do {
    runs[count].first_panel = panels;
    panels += runs[count++].panels();
  } while (count < runs.size() && panels + runs[count].panels() <= most);
  return runs.first(count);
}

/// Divides the packed runs into blocks: a run's come one after the other, so that it stays in the caches.
std::int64_t number_blocks(const SiameseRows& left, std::span<Run> packed, int threads) {
  const std::int64_t strips = ceil_divide(left.size(), kStripRows);
  // Few strips: the columns are split among the threads as well.
  const std::int64_t wanted = ceil_divide(4 * threads, strips * std::ssize(packed));
  std::int64_t blocks = 0;
  for (Run& run : packed) {
    run.splits = std::clamp<std::int64_t>(wanted, 1, run.panels());
    run.first_block = blocks;
    blocks += strips * run.splits;
  }
  return blocks;
}

Block block_of(const SiameseRows& left, const Run& run, std::int64_t at) {
  at -= run.first_block;
  const std::int64_t row = at / run.splits * kStripRows;
  const std::int64_t split = at % run.splits;
  return {{&left, row, std::min(kStripRows, left.size() - row)},
          &run,
          run.first_panel + split * run.panels() / run.splits,
          run.first_panel + (split + 1) * run.panels() / run.splits};
}

}  // namespace

Panel Run::panel(std::int64_t at) const {
  const std::int64_t width = grid_kernels().panel;
  const std::int64_t skipped = (at - first_panel) * width;
  return {.rows = rows, .first = first + skipped, .count = std::min(width, count - skipped)};
}

GridBlock Block::place(std::int64_t first_row) const {
  const std::int64_t panel = grid_kernels().panel;
  const std::int64_t skipped = (first_panel - right->first_panel) * panel;
  const std::int64_t columns = (last_panel - first_panel) * panel;
  return {first_row + left.first, left.count, right->column + skipped, std::min(columns, right->count - skipped),
          right->segment};
}

void add_runs(const Run& all, std::int64_t row_bytes, std::vector<Run>& runs) {
  const std::int64_t panel = grid_kernels().panel;
  const std::int64_t most = std::max(panel, kRunBytes / row_bytes / panel * panel);
  for (std::int64_t at = 0; at < all.count; at += most) {
    Run run = all;
    run.first += at;
    run.column += at;
    run.count = std::min(most, all.count - at);
    runs.push_back(run);
  }
}

std::vector<Run> runs_of(const GridTile& tile, const SelectionRequest& request, const std::string& network,
                         std::int64_t row_bytes) {
  std::vector<Run> runs;
  for (const PlacedRows& part : tile.right) {
    const SiameseRows& right = siamese_rows(*part.rows, Side::right, network);
    check_tile(request, tile.left.first, tile.left.rows->size(), part.first, right.size());
    for_each_segment(request, part.first, right.size(),
                     [&](std::int64_t segment, std::int64_t column, std::int64_t count) {
                       add_runs({&right, column - part.first, count, column, segment}, row_bytes, runs);
                     });
  }
  return runs;
}

void for_blocks(ThreadPool& pool, const SiameseRows& left, std::span<Run> runs, const BlockWork& work,
                const RunControl& control) {
  if (left.size() == 0) return;
  while (!runs.empty()) {
    control.check();
    const std::span<Run> packed = take_runs(runs, work.row_bytes, pool.threads());
    const std::int64_t panels = packed.back().first_panel + packed.back().panels();
    work.reserve(panels);
    pool.for_ranges(panels, 1, [&](std::int64_t at, std::int64_t, int) {
      work.pack(run_of(packed, &Run::first_panel, at).panel(at), at);
    });
    const std::int64_t blocks = number_blocks(left, packed, pool.threads());
    pool.for_ranges(blocks, 1, [&](std::int64_t at, std::int64_t, int worker) {
      control.check();
      work.score(block_of(left, run_of(packed, &Run::first_block, at), at), worker);
    });
    runs = runs.subspan(packed.size());
  }
}

}  // namespace twinpatch::cpu
