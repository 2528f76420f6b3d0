// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "grid_walk.hpp"

#include <catch2/catch.hpp>
#include <deque>

#include "engine/fake_backend.hpp"
#include "support/random.hpp"

namespace twinpatch::test {
namespace {

/// A side of `count` random rows that counts how often each block was made.
struct Sides {
  Sides(std::int64_t count, Side side, std::uint64_t seed) : values(count, kFakeLength) {
    Random random(seed);
    for (float& value : values.span()) value = static_cast<float>(random.below(30));
    source.size = count;
    source.make = [this, side](std::int64_t begin, std::int64_t n) {
      ++made;
      Matrix block(n, kFakeLength);
      std::copy_n(values.row(begin).data(), block.size(), block.data());
      return std::make_shared<FakeRows>(std::move(block), side, counts);
    };
  }
  Matrix values;
  RowSource source;
  int made = 0;
  std::shared_ptr<Counts> counts = std::make_shared<Counts>();
};

Matrix all_scores(const Matrix& left, const Matrix& right) {
  Matrix result(left.rows(), right.rows());
  for (std::int64_t i = 0; i < left.rows(); ++i) {
    for (std::int64_t j = 0; j < right.rows(); ++j) {
      result.row(i)[static_cast<std::size_t>(j)] = fake_score(left.row(i), right.row(j));
    }
  }
  return result;
}

struct CountingProgress final : Progress {
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void advance(std::int64_t units) override { total += units; }
  void end() override {}
  std::int64_t total = 0;
};

}  // namespace

TEST_CASE("a walk takes smaller blocks where a device has no room for larger ones") {
  for (const std::int64_t room : {1, 3, 8, 20}) {
    for (const std::int64_t cache : {0, 1 << 20}) {
      Sides left(45, Side::left, 1);
      Sides right(37, Side::right, 2);
      // Memory for `room` rows beside those of the other side, now and then.
      int calls = 0;
      for (Sides* side : {&left, &right}) {
        side->source.make = [make = side->source.make, room, &calls](std::int64_t begin, std::int64_t count) {
          if (count > room && ++calls % 5 != 0) throw OutOfMemory("no room");
          return make(begin, count);
        };
      }
      FakeScorer scorer(left.counts);
      const SelectionRequest request{.rows = 45, .columns = 37, .top_k = 2, .column_best = true};
      FakeSelection selection(request);
      CountingProgress progress;
      walk_grid({{left.source}, {right.source}, {32, 16}, cache}, scorer, selection, {{}, &progress});
      CHECK(progress.total == 45 * 37);
      const Matrix scores = all_scores(left.values, right.values);
      const Selected expected = reference::select(scores.view(), request);
      const Selected got = selection.read();
      CHECK(std::equal(got.indices.data(), got.indices.data() + got.indices.size(), expected.indices.data()));
      CHECK(std::equal(got.column_indices.data(), got.column_indices.data() + 37, expected.column_indices.data()));
    }
  }
  Sides left(4, Side::left, 1);
  Sides right(4, Side::right, 2);
  right.source.make = [](std::int64_t, std::int64_t) -> std::shared_ptr<const Rows> { throw OutOfMemory("no room"); };
  FakeScorer scorer(left.counts);
  FakeSelection selection({.rows = 4, .columns = 4});
  CHECK_THROWS_AS(walk_grid({{left.source}, {right.source}, {4, 4}, 0}, scorer, selection, {}), OutOfMemory);
}

TEST_CASE("a walk sees every pair once, whatever the tiles") {
  for (const auto& [rows, columns] : {std::pair{0, 5}, {5, 0}, {1, 1}, {31, 33}, {64, 10}, {7, 130}}) {
    for (const std::int64_t tile : {1, 8, 31, 1000}) {
      Sides left(rows, Side::left, 1);
      Sides right(columns, Side::right, 2);
      FakeScorer scorer(left.counts);
      FakeSelection selection({.rows = rows, .columns = columns, .top_k = 2, .column_best = true});
      CountingProgress progress;
      const GridWalk grid{{left.source}, {right.source}, {tile, tile}, 1 << 20};
      walk_grid(grid, scorer, selection, {{}, &progress});
      CHECK(progress.total == std::int64_t{rows} * columns);
      const Matrix expected = all_scores(left.values, right.values);
      if (rows > 0 && columns > 0) {
        (void)selection.read();
        CHECK(std::equal(expected.span().begin(), expected.span().end(), selection.scores.data()));
      }

      Matrix written(rows, columns);
      walk_grid(grid, scorer,
                [&](std::int64_t first_row, std::int64_t first_column, MatrixView scores) {
                  for (std::int64_t i = 0; i < scores.rows; ++i) {
                    std::copy_n(scores.row(i).data(), scores.columns, written.row(first_row + i).data() + first_column);
                  }
                },
                {});
      CHECK(std::equal(expected.span().begin(), expected.span().end(), written.data()));
    }
  }
}

TEST_CASE("left blocks are made once, right blocks once where the cache holds them") {
  const std::int64_t row_bytes = kFakeLength * 4;
  Sides left(100, Side::left, 3);
  Sides right(100, Side::right, 4);
  FakeScorer scorer(left.counts);
  FakeSelection selection({.rows = 100, .columns = 100});
  walk_grid({{left.source}, {right.source}, {10, 10}, 100 * row_bytes}, scorer, selection, {});
  CHECK(left.made == 10);
  CHECK(right.made == 10);
  CHECK(left.counts->most_alive <= 10);
  CHECK(right.counts->most_alive <= 110);

  // A cache for half of the side serves half of it, there and back.
  Sides right_again(100, Side::right, 4);
  FakeSelection other({.rows = 100, .columns = 100});
  walk_grid({{left.source}, {right_again.source}, {10, 10}, 50 * row_bytes}, scorer, other, {});
  CHECK(right_again.made == 10 + 9 * 5);
  CHECK(right_again.counts->most_alive <= 70);
}

TEST_CASE("rows that exist are taken as they are, as many in one call as fit a tile") {
  const std::vector<std::int64_t> counts = {7, 0, 3, 30, 4, 4, 4, 1};
  for (const std::int64_t tile : {1, 8, 100}) {
    std::deque<Sides> made;  // sources point at them
    GridWalk grid{{}, {}, {tile, tile}, 0};
    std::int64_t columns = 0;
    for (const std::int64_t count : counts) {
      columns += count;
      made.emplace_back(count, Side::right, static_cast<std::uint64_t>(columns));
      const auto rows = made.back().source.make(0, count);
      grid.right.push_back({count,
                            [rows, count](std::int64_t begin, std::int64_t wanted) {
                              CHECK(begin == 0);
                              CHECK(wanted == count);
                              return rows;
                            },
                            false});
    }
    Sides left(20, Side::left, 1);
    Sides last(11, Side::left, 2);
    grid.left = {left.source, last.source};
    const auto counted = std::make_shared<Counts>();
    FakeScorer scorer(counted);
    SelectionRequest request{.rows = 31, .columns = columns, .top_k = 2, .column_best = true};
    request.segments = {0, 10};
    FakeSelection selection(request);
    walk_grid(grid, scorer, selection, {});
    (void)selection.read();  // every pair was seen once
    if (tile == 100) CHECK(counted->tiles == 2);
    if (tile == 8) CHECK(counted->tiles == 5 * 5);  // 7 · 3 · 30 · 4 4 · 4 1, and back
    for (std::int64_t i = 0; i < 31; ++i) {
      const auto row = std::as_const(i < 20 ? left.values : last.values).row(i < 20 ? i : i - 20);
      CHECK(selection.scores.row(i)[10] == fake_score(row, std::as_const(made[3].values).row(0)));
    }
  }
}

TEST_CASE("walks can be stopped, and refuse what makes no sense") {
  Sides left(10, Side::left, 5);
  Sides right(10, Side::right, 6);
  FakeScorer scorer(left.counts);
  FakeSelection selection({.rows = 10, .columns = 10});
  std::stop_source stop;
  stop.request_stop();
  const GridWalk grid{{left.source}, {right.source}, {5, 5}, 0};
  CHECK_THROWS_AS(walk_grid(grid, scorer, selection, {stop.get_token(), nullptr}), Interrupted);
  CHECK_THROWS_AS(walk_grid({{left.source}, {right.source}, {0, 5}, 0}, scorer, selection, {}), InvalidArgument);
  RowSource wrong = right.source;
  wrong.make = [&](std::int64_t begin, std::int64_t n) { return right.source.make(begin, n - 1); };
  CHECK_THROWS_WITH(walk_grid({{left.source}, {wrong}, {5, 5}, 0}, scorer, selection, {}),
                    Catch::Contains("gave 4 rows"));
  left.values.row(7)[0] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(walk_grid(grid, scorer, [](std::int64_t, std::int64_t, MatrixView) {}, {}),
                    Catch::Contains("left patch 7 and right patch 5 is not finite"));
}

}  // namespace twinpatch::test
