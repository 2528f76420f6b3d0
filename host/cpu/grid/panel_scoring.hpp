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

/// Right rows [first, first + count), at most a panel, as the inner loops read them.
struct Panel {
  const SiameseRows* rows = nullptr;
  std::int64_t first = 0;
  std::int64_t count = 0;
  float* values = nullptr;     ///< [depth, panel]; null where the rule reads rows directly
  float* constants = nullptr;  ///< [panel]: what every sum of a column starts from
};

/// Left rows [first, first + count), at most kStripRows.
struct Strip {
  const SiameseRows* rows = nullptr;
  std::int64_t first = 0;
  std::int64_t count = 0;
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
  /// Whether it reads right rows packed into panels.
  [[nodiscard]] virtual bool reads_panels() const { return true; }
  /// Fills the panel's values (where it reads them) and constants from its rows.
  virtual void pack(const Panel& panel, Purpose purpose) const = 0;
  /// Values of left rows against one panel: out [left.count, panel].
  virtual void score(const Strip& left, const Panel& right, Purpose purpose, RuleScratch& scratch,
                     float* out) const = 0;
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

/// Fills a panel: its values times `sign`, constant(j) for each right row j, and columns of padding with a value that
/// reaches no limit.
template <class Constant>
void pack_panel(const GridKernels& kernels, const Panel& panel, float sign, const Constant& constant) {
  const std::int64_t depth = panel.rows->values.columns();
  if (panel.values != nullptr) {
    pack_panels(panel.rows->values.data() + panel.first * depth, depth, panel.count, depth, kernels.panel, sign,
                panel.values);
  }
  for (std::int64_t j = 0; j < kernels.panel; ++j) {
    panel.constants[j] = j < panel.count ? constant(panel.first + j) : -1e38F;
  }
}

}  // namespace twinpatch::cpu
