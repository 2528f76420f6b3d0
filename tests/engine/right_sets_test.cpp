// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <limits>

#include "engine/small_engine.hpp"

// One left set against several right ones.

namespace twinpatch::test {
namespace {

bool same_segment(const SelectedView& a, const SelectedView& b) {
  const auto same = [](const auto& x, const auto& y) { return std::equal(x.begin(), x.end(), y.begin(), y.end()); };
  return a.rows == b.rows && a.columns == b.columns && same(a.indices, b.indices) && same(a.scores, b.scores) &&
         same(a.column_indices, b.column_indices) && same(a.column_scores, b.column_scores);
}

}  // namespace

TEST_CASE("several right sets at once: a segment each, whatever the sets are made of") {
  const PatchSet left = small_patches(37, 20);
  const PatchSet some = small_patches(29, 21);
  const PatchSet more = small_patches(33, 22);
  const PatchSet none(0, 2, 2);
  const auto coupling = GENERATE(Coupling::siamese, Coupling::pseudo_siamese, Coupling::two_channel);
  const std::int64_t memory = GENERATE(std::int64_t{1} << 20, 40 * kFakeLength * 4);
  Rig rig(small_model(coupling), memory, 16);
  const RowChunks left_rows = rig.engine.rows(left, Side::left);
  const RowChunks some_rows = rig.engine.rows(some, Side::right);
  CHECK(left_rows.chunks.size() == 3);
  Matrix described;
  std::vector<GridSide> rights = {some_rows, more, none, some_rows, some};
  if (coupling != Coupling::two_channel) {
    described = rig.engine.describe(more.view(), Side::right);
    rights.emplace_back(described.view());
  }
  const GridOptions options{.top_k = 3, .column_best = true, .threshold = -20};
  for (const GridSide& side : {GridSide(left), GridSide(left_rows)}) {
    const Selected all = rig.engine.grid(side, rights, options);
    REQUIRE(all.segment_count() == std::ssize(rights));
    for (std::size_t s = 0; s < rights.size(); ++s) {
      const Selected alone = rig.engine.grid(left, rights[s], options);
      CHECK(same_segment(all.segment(static_cast<std::int64_t>(s)), alone.segment(0)));
    }
    const auto matched = rig.engine.match(side, rights, {});
    REQUIRE(matched.size() == rights.size());
    for (std::size_t s = 0; s < rights.size(); ++s) CHECK(matched[s] == rig.engine.match(left, rights[s], {}));
  }
  CHECK(rig.engine.match(left, std::span<const GridSide>(), {}).empty());
  CHECK_THROWS_WITH(rig.engine.grid(left, std::span<const GridSide>(), options), Catch::Contains("right set"));
  CHECK_THROWS_WITH(rig.engine.grid(some_rows, more, options),
                    Catch::Contains("expected left-side rows, got right-side rows"));
  CHECK_THROWS_AS(rig.engine.grid(left, left_rows, options), InvalidArgument);
}

TEST_CASE("matches with many sets take as few grids as there is room for, and one selection") {
  const PatchSet left = small_patches(16, 23);
  const std::int64_t bytes_of_a_set = (16 + 10) * 8;
  std::vector<PatchSet> sets;
  for (std::uint64_t i = 0; i < 9; ++i) sets.push_back(small_patches(10, 24 + i));
  const std::int64_t memory = GENERATE_COPY(std::int64_t{1} << 20, 8 * 4 * bytes_of_a_set, std::int64_t{64});
  Rig rig(small_model(Coupling::siamese), memory, 16);
  const RowChunks left_rows = rig.engine.rows(left, Side::left);
  std::vector<RowChunks> rows;
  for (const PatchSet& set : sets) rows.push_back(rig.engine.rows(set, Side::right));
  const std::vector<GridSide> rights(rows.begin(), rows.end());
  std::vector<std::vector<Match>> expected;
  for (const PatchSet& set : sets) expected.push_back(rig.engine.match(left, set, {}));

  rig.counts->grids = 0;
  rig.counts->selections = 0;
  Recorder progress;
  CHECK(rig.engine.match(left_rows, rights, {}, {{}, &progress}) == expected);
  const std::int64_t grids = memory == 1 << 20 ? 1 : (memory == 64 ? 9 : 3);
  CHECK(rig.counts->grids == grids);
  CHECK(rig.counts->selections <= (memory == 64 ? 9 : 1));  // too small a memory to keep one
  // No room for all of them after all: halves of what was tried.
  rig.counts->most_columns = 25;
  CHECK(rig.engine.match(left_rows, rights, {}) == expected);
  CHECK(rig.engine.match(left, rights, {}) == expected);
  rig.counts->described = 0;
  CHECK(rig.engine.match(left, rights, {}) == expected);
  if (memory == 1 << 20) CHECK(rig.counts->described == 16);
  rig.counts->most_columns = 9;
  CHECK_THROWS_AS(rig.engine.match(left_rows, rights, {}), OutOfMemory);
}

TEST_CASE("a score that is none is said of its right set") {
  Rig rig(small_model(Coupling::siamese), 1 << 20, 16);
  Matrix left(3, kFakeLength);
  std::fill(left.span().begin(), left.span().end(), 1.0F);
  Matrix right(20, kFakeLength);
  std::fill(right.span().begin(), right.span().end(), 1.0F);
  right.row(17)[1] = std::numeric_limits<float>::infinity();
  const MatrixView good = right.view().slice(0, 10);
  const std::vector<GridSide> rights = {good, MatrixView{right.data(), 0, kFakeLength}, good, right.view().slice(15, 4),
                                        good};
  try {
    (void)rig.engine.match(left.view(), rights, {});
    FAIL("the score is infinite");
  } catch (const NotFinite& error) {
    CHECK(error.right_set() == 3);
    CHECK(error.pair() == IndexPair{0, 2});
    CHECK_THAT(error.what(), Catch::Contains("tiny") && Catch::Contains("left patch 0 and right patch 2 ") &&
                                 Catch::Contains("(-inf)"));
  }
  CHECK_THROWS_WITH(rig.engine.match(left.view(), right.view(), {}), Catch::Contains("right patch 17"));
}

}  // namespace twinpatch::test
