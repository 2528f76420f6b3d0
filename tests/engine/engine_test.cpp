// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/engine.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "engine/fake_backend.hpp"
#include "support/random.hpp"

// What the engine makes of a backend: which patches go through the tower and how often, order, bounds, refusals.

namespace twinpatch::test {
namespace {

/// A network whose branch gives kFakeLength values (2-channel: that its branch sees pairs is all that matters).
Model small_model(Coupling coupling, bool metric = true) {
  NetworkSpec spec;
  spec.name = "tiny";
  spec.input = Extent{2, 2};
  spec.coupling = coupling;
  const bool pairs = coupling == Coupling::two_channel;
  spec.streams = {Stream{{}, {Linear{pairs ? 8 : 4, static_cast<int>(kFakeLength)}}}};
  if (pairs) {
    spec.decision = DecisionLayers{{Linear{static_cast<int>(kFakeLength), 1}}};
  } else if (metric) {
    spec.decision = DecisionMetric{DecisionMetric::Kind::l2, false};
  } else {
    spec.decision = DecisionLayers{{Linear{2 * static_cast<int>(kFakeLength), 1}}};
  }
  return random_model(spec, 1);
}

PatchSet small_patches(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  PatchSet result(count, 2, 2);
  for (std::int64_t i = 0; i < count; ++i) {
    for (int k = 0; k < 4; ++k) result.mutable_patch(i)[k] = static_cast<std::uint8_t>(random.below(60));
  }
  return result;
}

std::span<const float> fake_descriptor(const PatchSet& patches, std::int64_t i, std::vector<float>& into) {
  const auto* pixels = static_cast<const std::uint8_t*>(patches.view().slice(i, 1).pixels);
  into.assign(pixels, pixels + kFakeLength);
  return into;
}

float pair_score(const PatchSet& left, std::int64_t i, const PatchSet& right, std::int64_t j) {
  std::vector<float> a;
  std::vector<float> b;
  return fake_score(fake_descriptor(left, i, a), fake_descriptor(right, j, b));
}

struct Rig {
  Rig(Model model, std::int64_t memory, std::int64_t tile)
      : counts(std::make_shared<Counts>()),
        engine(std::move(model), std::make_unique<FakeBackend>(memory, tile, counts), ExecutionOptions{}) {}
  std::shared_ptr<Counts> counts;
  Engine engine;
};

void expect_grid(const Selected& got, const PatchSet& left, const PatchSet& right) {
  Matrix scores(left.size(), right.size());
  for (std::int64_t i = 0; i < left.size(); ++i) {
    for (std::int64_t j = 0; j < right.size(); ++j) {
      scores.row(i)[static_cast<std::size_t>(j)] = pair_score(left, i, right, j);
    }
  }
  const Selected expected =
      reference::select(scores.view(), {.rows = left.size(), .columns = right.size(), .top_k = got.top_k});
  CHECK(std::equal(got.indices.span().begin(), got.indices.span().end(), expected.indices.data()));
  CHECK(std::equal(got.scores.span().begin(), got.scores.span().end(), expected.scores.data()));
}

struct Recorder final : Progress {
  void begin(std::string_view stage, std::int64_t total, std::string_view unit) override {
    text += std::string(stage) + " " + std::to_string(total) + " " + std::string(unit) + ": ";
    left = total;
  }
  void advance(std::int64_t units) override { left -= units; }
  void end() override { text += std::to_string(left) + " left. "; }
  std::string text;
  std::int64_t left = 0;
};

}  // namespace

TEST_CASE("a grid runs every patch through the tower once, in bounded memory") {
  const PatchSet left = small_patches(101, 1);
  const PatchSet right = small_patches(83, 2);
  const std::int64_t row_bytes = kFakeLength * 4;
  // Everything fits; right rows do not, their descriptors do; neither does (temporary file).
  for (const std::int64_t memory : {std::int64_t{1} << 20, 83 * row_bytes * 3 / 2, 10 * row_bytes}) {
    for (const bool metric : {true, false}) {
      Rig rig(small_model(Coupling::siamese, metric), memory, 16);
      Recorder progress;
      const Selected got = rig.engine.grid(left, right, {.top_k = 3}, {{}, &progress});
      expect_grid(got, left, right);
      CHECK(rig.counts->described == 101 + 83);
      if (memory < 83 * row_bytes) CHECK(rig.counts->most_alive <= 16 + 2 * 16);
      CHECK_THAT(progress.text, Catch::Contains("grid 8383 pairs: 0 left. "));
    }
  }
  // The same set on both sides: once.
  Rig rig(small_model(Coupling::siamese), 1 << 20, 16);
  expect_grid(rig.engine.grid(left, left, {.top_k = 2}), left, left);
  CHECK(rig.counts->described == 101);
  // Two towers: once each.
  Rig pseudo(small_model(Coupling::pseudo_siamese), 1 << 20, 16);
  expect_grid(pseudo.engine.grid(left, left, {.top_k = 2}), left, left);
  CHECK(pseudo.counts->described == 202);
}

TEST_CASE("a grid of descriptors, and one of 2-channel networks") {
  const PatchSet left = small_patches(20, 3);
  const PatchSet right = small_patches(30, 4);
  Rig rig(small_model(Coupling::siamese), 1 << 20, 16);
  const Matrix descriptors = rig.engine.describe(right.view(), Side::right);
  expect_grid(rig.engine.grid(left, descriptors.view(), GridOptions{}), left, right);
  CHECK(rig.counts->described == 50);
  CHECK_THROWS_AS(rig.engine.grid(left, MatrixView{descriptors.data(), 45, 2}, GridOptions{}), ShapeError);

  Rig pairs(small_model(Coupling::two_channel), 1 << 20, 16);
  expect_grid(pairs.engine.grid(left, right, GridOptions{}), left, right);
  CHECK_THROWS_WITH(pairs.engine.grid(left, descriptors.view(), GridOptions{}),
                    Catch::Contains("right side cannot be descriptors"));
  CHECK_THROWS_WITH(pairs.engine.describe(left.view()), Catch::Contains("no descriptors"));
}

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

TEST_CASE("every score, tile by tile") {
  const PatchSet left = small_patches(20, 5);
  const PatchSet right = small_patches(30, 6);
  Rig rig(small_model(Coupling::siamese), 1 << 20, 16);
  std::int64_t seen = 0;
  rig.engine.grid(left, right, [&](std::int64_t first_row, std::int64_t first_column, MatrixView scores) {
    for (std::int64_t i = 0; i < scores.rows; ++i) {
      for (std::int64_t j = 0; j < scores.columns; ++j, ++seen) {
        CHECK(scores.row(i)[static_cast<std::size_t>(j)] == pair_score(left, first_row + i, right, first_column + j));
      }
    }
  });
  CHECK(seen == 600);
}

TEST_CASE("a list of pairs runs the patches it mentions once each and keeps its order") {
  const PatchSet left = small_patches(500, 7);
  const PatchSet right = small_patches(400, 8);
  for (const std::int64_t memory : {std::int64_t{1} << 20, std::int64_t{40} * kFakeLength * 4}) {
    for (const auto coupling : {Coupling::siamese, Coupling::pseudo_siamese, Coupling::two_channel}) {
      Random random(9);
      std::vector<IndexPair> pairs;
      for (int i = 0; i < 200; ++i) {
        pairs.push_back({static_cast<std::int32_t>(random.below(300)), static_cast<std::int32_t>(random.below(300))});
      }
      pairs.push_back(pairs.front());  // twice the same
      std::set<std::int32_t> lefts;
      std::set<std::int32_t> rights;
      for (const IndexPair pair : pairs) {
        lefts.insert(pair.left);
        rights.insert(pair.right);
      }
      Rig rig(small_model(coupling), memory, 16);
      Recorder progress;
      const auto scores = rig.engine.score(left.view(), right.view(), pairs, {{}, &progress});
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        CHECK(scores[i] == pair_score(left, pairs[i].left, right, pairs[i].right));
      }
      CHECK(rig.counts->listed == 201);
      CHECK_THAT(progress.text, Catch::Contains("score 201 pairs: 0 left. "));
      if (coupling != Coupling::two_channel) {
        CHECK(rig.counts->described == static_cast<std::int64_t>(lefts.size() + rights.size()));
      }
      if (memory < 1 << 20) CHECK(rig.counts->most_alive <= 20);

      Rig single(small_model(coupling), memory, 16);
      const auto of_one = single.engine.score(left.view(), pairs);
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        CHECK(of_one[i] == pair_score(left, pairs[i].left, left, pairs[i].right));
      }
      if (coupling == Coupling::siamese) {
        lefts.insert(rights.begin(), rights.end());
        CHECK(single.counts->described == static_cast<std::int64_t>(lefts.size()));
      }
    }
  }
}

TEST_CASE("nothing in, nothing out") {
  const PatchSet some = small_patches(5, 10);
  const PatchSet none(0, 2, 2);
  const PatchSet none_of_another_size(0, 7, 9);
  for (const auto coupling : {Coupling::siamese, Coupling::two_channel}) {
    Rig rig(small_model(coupling), 1 << 20, 16);
    for (const PatchSet* empty : {&none, &none_of_another_size}) {
      const Selected right_empty = rig.engine.grid(some, *empty, {.top_k = 2, .column_best = true});
      CHECK(right_empty.rows == 5);
      for (const std::int32_t index : right_empty.indices.span()) CHECK(index == -1);
      const Selected left_empty = rig.engine.grid(*empty, some, {.column_best = true});
      CHECK(left_empty.indices.empty());
      CHECK(left_empty.column_indices[4] == -1);
      CHECK(rig.engine.match(*empty, some, {}).empty());
      CHECK(rig.engine.match(some, *empty, {}).empty());
      CHECK(rig.engine.score(empty->view(), {}).empty());
    }
    CHECK(rig.engine.score(some.view(), {}).empty());
    if (coupling == Coupling::siamese) CHECK(rig.engine.describe(none.view()).rows() == 0);
    CHECK(rig.counts->described == 0);
  }
}

TEST_CASE("what does not fit is refused before anything runs") {
  const PatchSet some = small_patches(5, 11);
  const PatchSet large(5, 3, 2);
  Rig rig(small_model(Coupling::siamese), 1 << 20, 16);
  CHECK_THROWS_WITH(rig.engine.describe(large.view()), Catch::Contains("patches of 2×2") && Catch::Contains("3×2"));
  CHECK_THROWS_AS(rig.engine.grid(some, large, GridOptions{}), ShapeError);
  CHECK_THROWS_AS(rig.engine.grid(large, some, GridOptions{}), ShapeError);
  const std::vector<IndexPair> pairs = {{0, 1}, {4, 5}};
  CHECK_THROWS_AS(rig.engine.score(some.view(), pairs), InvalidArgument);
  CHECK_THROWS_AS(rig.engine.score(some.view(), std::vector<IndexPair>{{-1, 0}}), InvalidArgument);
  CHECK_THROWS_AS(rig.engine.score(large.view(), std::vector<IndexPair>{{0, 1}}), ShapeError);
  CHECK_THROWS_AS(rig.engine.match(some, some, {.ratio = 2.0F}), InvalidArgument);
  Rig learned(small_model(Coupling::siamese, false), 1 << 20, 16);
  CHECK_THROWS_WITH(learned.engine.match(some, some, {.ratio = 0.8F}), Catch::Contains("learned"));
  CHECK(rig.counts->described == 0);
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(rig.engine.grid(some, some, GridOptions{}, {stop.get_token(), nullptr}), Interrupted);
  CHECK_THROWS_AS(rig.engine.describe(some.view(), Side::left, {stop.get_token(), nullptr}), Interrupted);

  // Any size: still one size a pair where the network stacks the two.
  Model any = small_model(Coupling::two_channel);
  any.spec.input.reset();
  any.spec.streams = {Stream{{}, {Convolution{2, 3, {1, 1}}, SpatialPyramid{{1}}}}};
  any = random_model(any.spec, 1);
  Rig pairs_of_any_size(std::move(any), 1 << 20, 16);
  CHECK_THROWS_WITH(pairs_of_any_size.engine.grid(some, large, GridOptions{}), Catch::Contains("one size"));
  CHECK_THROWS_AS(pairs_of_any_size.engine.score(some.view(), large.view(), std::vector<IndexPair>{{0, 1}}),
                  ShapeError);
}

TEST_CASE("patches that give no finite descriptor are named by their number") {
  PatchSet bad = small_patches(90, 12);
  bad.mutable_patch(77)[0] = 255;
  bad.mutable_patch(77)[1] = 255;
  const PatchSet good = small_patches(90, 13);
  Rig rig(small_model(Coupling::siamese), 1 << 20, 16);
  CHECK_THROWS_WITH(rig.engine.describe(bad.view()), Catch::Contains("tiny") && Catch::Contains("patch 77 "));
  CHECK_THROWS_WITH(rig.engine.score(bad.view(), std::vector<IndexPair>{{3, 4}, {77, 5}}),
                    Catch::Contains("patch 77 "));
  CHECK_THROWS_WITH(rig.engine.grid(bad, bad, GridOptions{}), Catch::Contains("patch 77 "));
  Rig pairs(small_model(Coupling::two_channel), 1 << 20, 16);
  CHECK_THROWS_WITH(pairs.engine.score(bad.view(), std::vector<IndexPair>{{3, 4}, {77, 5}}),
                    Catch::Contains("pair 1 (left patch 77, right patch 5)"));
}

TEST_CASE("a missing temporary folder is an error with a name") {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/nowhere/at all", 1);
  const PatchSet patches = small_patches(90, 14);
  Rig rig(small_model(Coupling::siamese), 64, 16);
  CHECK_THROWS_WITH(rig.engine.grid(patches, small_patches(90, 15), GridOptions{}), Catch::Contains("/nowhere/at all"));
  if (before == nullptr) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", kept.c_str(), 1);
  }
}

}  // namespace twinpatch::test
