// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "grid/selection.hpp"
#include "support/backend_rig.hpp"
#include "support/instruction_set.hpp"
#include "support/reference.hpp"
#include "support/small_networks.hpp"

// What only the CPU has of grids; tests/backend has what every backend has.

namespace twinpatch::test {

TEST_CASE("distances are the same bits on every instruction set") {
  for (const auto kind : {DecisionMetric::Kind::l2, DecisionMetric::Kind::l1, DecisionMetric::Kind::cosine}) {
    for (const int length : {1, 15, 16, 33, 256}) {
      const Matrix left = some_descriptors(40, length, 18, true);
      const Matrix right = some_descriptors(41, length, 19, true);
      std::vector<float> first;
      for (const std::int64_t target : highway_targets()) {
        const OnlyTarget instruction_set(target);
        INFO("instruction set " << hwy::TargetName(target));
        const auto model = shared_model(small_spec(length, DecisionMetric{kind, true}));
        const auto scores = cpu_rig(model).list(left.view(), right.view());
        if (first.empty()) first = scores;
        CHECK(scores == first);
      }
    }
  }
}

TEST_CASE("scores in memory go into a selection") {
  Random random(17);
  Matrix scores(100, 70);
  for (float& score : scores.span()) score = static_cast<float>(random.below(50));  // many ties
  for (const int top_k : {1, 5, 40}) {
    const SelectionRequest request{
        .rows = 100, .columns = 70, .top_k = top_k, .column_best = top_k < 40, .threshold = 7};
    cpu::CpuSelection selection(request);
    for (const std::int64_t column : {40, 0}) {
      for (const std::int64_t row : {0, 77}) {
        cpu::select_scores(selection, {.scores = scores.data() + row * 70 + column,
                                       .stride = 70,
                                       .first_row = row,
                                       .rows = row == 0 ? 77 : 23,
                                       .first_column = column,
                                       .columns = column == 0 ? 40 : 30});
      }
    }
    expect_same(selection.read(), reference::select(scores.view(), request));
  }
  cpu::CpuSelection selection({.rows = 100, .columns = 70});
  cpu::PlacedScores whole{.scores = scores.data(), .stride = 70, .rows = 100, .columns = 70};
  scores.row(9)[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(cpu::select_scores(selection, whole), Catch::Contains("left patch 9 and right patch 3"));
  whole.first_column = 1;
  CHECK_THROWS_AS(cpu::select_scores(selection, whole), InvalidArgument);
}

TEST_CASE("segments cut columns into pieces") {
  struct Piece {
    std::int64_t segment, first, count;
    bool operator==(const Piece&) const = default;
  };
  const auto pieces = [](std::vector<std::int64_t> segments, std::int64_t first, std::int64_t count) {
    std::vector<Piece> result;
    const SelectionRequest request{.rows = 1, .columns = 20, .segments = std::move(segments)};
    cpu::for_each_segment(request, first, count, [&](std::int64_t segment, std::int64_t begin, std::int64_t size) {
      result.push_back({segment, begin, size});
    });
    return result;
  };
  CHECK(pieces({}, 3, 9) == std::vector<Piece>{{0, 3, 9}});
  CHECK(pieces({0, 5, 5, 5, 12, 20}, 0, 20) == std::vector<Piece>{{0, 0, 5}, {3, 5, 7}, {4, 12, 8}});
  CHECK(pieces({0, 5, 5, 5, 12, 20}, 5, 3) == std::vector<Piece>{{3, 5, 3}});
  CHECK(pieces({0, 0, 5}, 4, 2) == std::vector<Piece>{{1, 4, 1}, {2, 5, 1}});
  CHECK(pieces({0, 5}, 5, 0).empty());
}

}  // namespace twinpatch::test
