// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "engine/small_engine.hpp"

// What the engine makes of a backend: which patches go through the tower and how often, order, bounds, refusals.

namespace twinpatch::test {

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
