// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/backend/selection.hpp"

#include <catch2/catch.hpp>

#include "support/random.hpp"
#include "support/reference.hpp"
#include "twinpatch/backend/empty_selection.hpp"

namespace twinpatch::test {
namespace {

/// Columns [begin, begin + count) of a matrix.
Matrix columns_of(const Matrix& scores, std::int64_t begin, std::int64_t count) {
  Matrix result(scores.rows(), count);
  for (std::int64_t i = 0; i < scores.rows(); ++i)
    std::copy_n(scores.row(i).data() + begin, count, result.row(i).data());
  return result;
}

template <class Value>
bool same(std::span<const Value> a, std::span<const Value> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_CASE("a segment holds what a grid of its columns alone would have kept") {
  Random random(4);
  Matrix scores(23, 40);
  for (float& score : scores.span()) score = static_cast<float>(random.below(12));  // many ties
  SelectionRequest request{.rows = 23, .columns = 40, .top_k = 3, .column_best = true, .threshold = 4};
  request.segments = {0, 0, 17, 17, 19, 40};  // some are empty, one has fewer columns than top_k
  const Selected selected = reference::select(scores.view(), request);
  REQUIRE(selected.segment_count() == 6);
  for (std::int64_t s = 0; s < 6; ++s) {
    const std::int64_t begin = request.segment_begin(s);
    const Matrix columns = columns_of(scores, begin, request.segment_begin(s + 1) - begin);
    const Selected alone = reference::select(
        columns.view(), {.rows = 23, .columns = columns.columns(), .top_k = 3, .column_best = true, .threshold = 4});
    const SelectedView view = selected.segment(s);
    CHECK(view.rows == 23);
    CHECK(view.columns == columns.columns());
    CHECK(same(view.indices, alone.indices.span()));
    CHECK(same(view.scores, alone.scores.span()));
    CHECK(same(view.column_indices, alone.column_indices.span()));
    CHECK(same(view.column_scores, alone.column_scores.span()));
  }
}

TEST_CASE("segments that are none are refused") {
  SelectionRequest request{.rows = 2, .columns = 10};
  for (const std::vector<std::int64_t>& good : {std::vector<std::int64_t>{}, {0}, {0, 10}, {0, 0, 3, 3, 10, 10}}) {
    request.segments = good;
    CHECK(empty_selection(request).indices.size() == 2 * request.segment_count());
  }
  for (const std::vector<std::int64_t>& bad : {std::vector<std::int64_t>{1}, {0, 5, 4}, {0, 11}, {-1, 3}}) {
    request.segments = bad;
    CHECK_THROWS_WITH(check(request), Catch::Contains("segments"));
  }
}

}  // namespace twinpatch::test
