// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "backend_table.hpp"
#include "twinpatch/engine/engine.hpp"

// A grid with a mask keeps what is kept of a matrix of scores in which all other pairs are missing.

namespace twinpatch::test {
namespace {

constexpr float kMissing = -std::numeric_limits<float>::infinity();

/// Some columns of each row: none, one, all, or several runs of them.
GridMask random_mask(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Random random(seed);
  GridMask mask(columns);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::vector<ColumnInterval> intervals;
    if (columns == 0) {
      mask.add_row(intervals);
      continue;
    }
    const std::int64_t gap = i % 5 == 0 ? columns : 1 + random.below(columns);
    for (std::int64_t at = random.below(gap + 1); at < columns; at += random.below(gap + 1)) {
      const std::int64_t end = std::min(columns, at + 1 + random.below(4));
      intervals.push_back({static_cast<std::int32_t>(at), static_cast<std::int32_t>(end)});
      at = end;
    }
    if (i % 7 == 3) intervals = {{0, static_cast<std::int32_t>(columns)}};
    mask.add_row(intervals);
  }
  return mask;
}

bool leaves(const GridMask& mask, std::int64_t i, std::int64_t j) {
  const auto row = mask.row(i);
  return std::any_of(row.begin(), row.end(), [&](ColumnInterval in) { return in.begin <= j && j < in.end; });
}

Selected expected_of(const GridMask& mask, std::span<const float> scores, const SelectionRequest& request) {
  Matrix left_over(request.rows, request.columns);
  for (std::int64_t at = 0; at < std::ssize(scores); ++at) {
    const bool counts = leaves(mask, at / request.columns, at % request.columns);
    left_over.data()[at] = counts ? scores[static_cast<std::size_t>(at)] : kMissing;
  }
  Selected selected = reference::select(left_over.view(), request);
  const auto forget = [](Buffer<std::int32_t>& indices, const Buffer<float>& kept) {
    for (std::int64_t at = 0; at < indices.size(); ++at) {
      if (kept[at] == kMissing) indices[at] = -1;
    }
  };
  forget(selected.indices, selected.scores);
  forget(selected.column_indices, selected.column_scores);
  return selected;
}

}  // namespace

TEST_CASE("a grid with a mask keeps the best of the pairs that it leaves") {
  if (no_device()) return;
  const Decision decision =
      GENERATE(Decision(DecisionMetric{DecisionMetric::Kind::l2, true}),
               Decision(DecisionMetric{DecisionMetric::Kind::l1, false}),
               Decision(DecisionMetric{DecisionMetric::Kind::cosine, true}), Decision(two_layer_head(20, 37)));
  const auto model = shared_model(small_spec(20, decision));
  for_each_backend([&](const BackendRow& on) {
    const Rig rig = on.rig(model);
    ExecutionOptions options = on.options;
    options.memory = on.simulated ? options.memory : std::int64_t{1} << 16;  // several tiles
    Engine engine(*model, on.make(options), options);
    for (const auto& [rows, columns] :
         {std::pair<std::int64_t, std::int64_t>{0, 5}, {7, 0}, {1, 1}, {33, 65}, {300, 200}}) {
      if (on.simulated && rows == 300) continue;
      INFO(rows << " × " << columns);
      const Matrix left = some_descriptors(rows, 20, 1, true);
      const Matrix right = some_descriptors(columns, 20, 2, true);
      const GridMask mask = random_mask(rows, columns, 3);
      const std::vector<float> scores = rig.list(left.view(), right.view());
      for (const GridOptions& kept : {GridOptions{1, true}, GridOptions{3, true, -1.1F}, GridOptions{2, false}}) {
        const SelectionRequest request{rows, columns, kept.top_k, kept.column_best, kept.threshold};
        expect_same(engine.grid(left.view(), right.view(), mask, kept), expected_of(mask, scores, request));
      }
    }
  });
}

}  // namespace twinpatch::test
