// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "branch/siamese_rows.hpp"
#include "kernels/grid_kernels.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/net/model.hpp"

namespace twinpatch::cpu {

/// What the values of a strip are for.
enum class Purpose {
  select,  ///< to be held against limits: v = strip − row_offset may be an upper bound of the score, cheaper than it
  write    ///< to become scores by `finish`
};

/// Right rows [first, first + count) as the inner loops read them.
struct Columns {
  const SiameseRows* rows = nullptr;
  std::int64_t first = 0;
  std::int64_t count = 0;
  Buffer<float> panels;     ///< [panels, depth, panel]; empty where the rule reads rows directly
  Buffer<float> constants;  ///< [panels, panel]: what every sum of a column starts from
};

/// Work space of one thread.
struct RuleScratch {
  std::vector<float> hidden;
  std::vector<float> next;
};

/// How a decision scores left rows against right rows: one implementation per kind of decision (head.hpp, metric.cpp).
/// Stateless: may be used by several threads.
class PairRule {
 public:
  virtual ~PairRule() = default;
  /// Packs right rows; in parallel. Reuses the memory of `columns` where it is large enough.
  virtual void pack(const SiameseRows& right, std::int64_t first, std::int64_t count, Purpose purpose, ThreadPool& pool,
                    Columns& columns) const = 0;
  /// Values of left rows [row, row + rows), at most kStripRows, against one panel: out [rows, panel].
  virtual void strip(const SiameseRows& left, std::int64_t row, std::int64_t rows, const Columns& columns,
                     std::int64_t panel, Purpose purpose, RuleScratch& scratch, float* out) const = 0;
  /// Taken off the values of left row i when they are held against limits.
  [[nodiscard]] virtual float row_offset(const SiameseRows& /*left*/, std::int64_t /*i*/) const { return 0; }
  /// A value that every pair of at least this score reaches: what is below it need not be looked at.
  [[nodiscard]] virtual float needed(float score) const { return score; }
  /// The score of a pair whose value reached its limit.
  [[nodiscard]] virtual float exact(const SiameseRows& /*left*/, std::int64_t /*i*/, const SiameseRows& /*right*/,
                                    std::int64_t /*j*/, float value) const {
    return value;
  }
  /// Values of Purpose::write → scores.
  virtual void finish(std::span<float> /*values*/) const {}
  /// Scores of listed pairs, at most kStripRows, on the calling thread.
  virtual void list(const SiameseRows& left, const SiameseRows& right, std::span<const IndexPair> pairs,
                    RuleScratch& scratch, float* scores) const = 0;
};

[[nodiscard]] std::unique_ptr<PairRule> make_head_rule(const Model& model);
[[nodiscard]] std::unique_ptr<PairRule> make_metric_rule(const DecisionMetric& metric, std::int64_t length);

/// Asks for the rows of a pair that is about to be scored: right rows of a list lie anywhere.
inline void prefetch_rows(const SiameseRows& left, const SiameseRows& right, IndexPair pair) {
  constexpr std::int64_t kLine = 16;  // floats
  const std::int64_t depth = right.values.columns();
  const float* const from[2] = {left.values.row(pair.left).data(), right.values.row(pair.right).data()};
  for (std::int64_t k = 0; k < depth; k += kLine) {
    __builtin_prefetch(from[0] + k);
    __builtin_prefetch(from[1] + k);
  }
}

/// Packs rows into panels and calls constant(j) for each, padding columns with a value that reaches no limit.
template <class Constant>
void pack_columns(const GridKernels& kernels, const SiameseRows& right, std::int64_t first, std::int64_t count,
                  bool with_panels, float sign, ThreadPool& pool, Columns& columns, const Constant& constant) {
  const std::int64_t panel = kernels.panel;
  const std::int64_t padded = round_up(count, panel);
  const std::int64_t depth = right.values.columns();
  columns.rows = &right;
  columns.first = first;
  columns.count = count;
  if (columns.constants.size() < padded) columns.constants = Buffer<float>(padded);
  if (with_panels && columns.panels.size() < padded * depth) columns.panels = Buffer<float>(padded * depth);
  pool.for_ranges(padded / panel, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t p = begin; p < end; ++p) {
      const std::int64_t j = p * panel;
      if (with_panels) {
        pack_panels(right.values.data() + (first + j) * depth, depth, std::min(panel, count - j), depth, panel, sign,
                    columns.panels.data() + j * depth);
      }
      for (std::int64_t at = j; at < j + panel; ++at) {
        columns.constants[at] = at < count ? constant(first + at) : -1e38F;
      }
    }
  });
}

}  // namespace twinpatch::cpu
