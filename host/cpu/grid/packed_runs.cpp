// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid/packed_runs.hpp"

#include <algorithm>

namespace twinpatch::cpu {
namespace {

/// Right rows that one thread scores at a time: small enough to stay in a core's own cache.
constexpr std::int64_t kRunBytes = std::int64_t{768} << 10;
/// Most right rows packed at a time, by however many threads. Threads wait for each other after packing and after
/// scoring; a run for each of them keeps that seldom, though an image may be small.
constexpr std::int64_t kPackedBytes = std::int64_t{16} << 20;

std::int64_t row_bytes(const SiameseRows& rows) { return std::max<std::int64_t>(1, rows.values.columns()) * 4; }

}  // namespace

void add_runs(const Run& all, std::vector<Run>& runs) {
  const std::int64_t panel = grid_kernels().panel;
  const std::int64_t most = std::max(panel, kRunBytes / row_bytes(*all.rows) / panel * panel);
  for (std::int64_t at = 0; at < all.count; at += most) {
    Run run = all;
    run.first += at;
    run.column += at;
    run.count = std::min(most, all.count - at);
    runs.push_back(run);
  }
}

const Run& run_of(std::span<const Run> runs, std::int64_t Run::*first, std::int64_t at) {
  const auto after = std::upper_bound(runs.begin(), runs.end(), at,
                                      [first](std::int64_t value, const Run& run) { return value < run.*first; });
  return *std::prev(after);
}

std::span<Run> PackedRuns::pack(std::span<Run> runs, Purpose purpose) {
  const std::int64_t panel = grid_kernels().panel;
  const std::int64_t packed_bytes = std::min(kPackedBytes, kRunBytes * pool_.threads());
  const std::int64_t most = packed_bytes / (row_bytes(*runs.front().rows) * panel);
  std::size_t count = 0;
  std::int64_t panels = 0;
  do {
    runs[count].first_panel = panels;
    panels += runs[count++].panels();
  } while (count < runs.size() && panels + runs[count].panels() <= most);
  runs = runs.first(count);
  if (constants_.size() < panels * panel) constants_ = Buffer<float>(panels * panel);
  const std::int64_t values = scoring_.reads_panels() ? panels * panel * runs.front().rows->values.columns() : 0;
  if (values_.size() < values) values_ = Buffer<float>(values);
  pool_.for_ranges(panels, 1, [&](std::int64_t at, std::int64_t, int) {
    scoring_.pack(this->panel(run_of(runs, &Run::first_panel, at), at), purpose);
  });
  return runs;
}

Panel PackedRuns::panel(const Run& run, std::int64_t at) {
  const std::int64_t panel = grid_kernels().panel;
  const std::int64_t skipped = (at - run.first_panel) * panel;
  float* const values = scoring_.reads_panels() ? values_.data() + at * panel * run.rows->values.columns() : nullptr;
  return {run.rows, run.first + skipped, std::min(panel, run.count - skipped), values, constants_.data() + at * panel};
}

}  // namespace twinpatch::cpu
