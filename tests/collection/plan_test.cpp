// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <set>

#include "collection/collection_support.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

std::vector<ImagePair> all_of(const PairSelection& pairs) {
  const auto last = static_cast<std::int32_t>(pairs.images());
  return pairs.within({0, last}, {0, last});
}

std::vector<ImagePair> brute_force(std::int64_t images, std::int64_t window) {
  std::vector<ImagePair> result;
  for (std::int32_t i = 0; i < images; ++i) {
    for (std::int32_t j = i + 1; j < images && j <= i + window; ++j) result.push_back({i, j});
  }
  return result;
}

}  // namespace

TEST_CASE("exhaustive and sequential pairs are those of the definition") {
  for (const std::int64_t images : {0, 1, 2, 3, 17}) {
    const auto every = PairSelection::exhaustive(images);
    CHECK(all_of(every) == brute_force(images, images));
    CHECK(every.count() == images * (images - 1) / 2);
    for (const std::int64_t window : {1, 2, 5, 16, 100}) {
      const auto some = PairSelection::sequential(images, window);
      CHECK(all_of(some) == brute_force(images, window));
      CHECK(some.count() == std::ssize(all_of(some)));
    }
  }
  CHECK_THROWS_AS(PairSelection::sequential(3, 0), InvalidArgument);
}

TEST_CASE("listed pairs are sorted, turned and counted once, tiles of them are complete") {
  Random random(7);
  std::vector<ImagePair> list;
  std::set<ImagePair> expected;
  for (int n = 0; n < 300; ++n) {
    const auto a = static_cast<std::int32_t>(random.below(40));
    const auto b = static_cast<std::int32_t>(random.below(40));
    if (a == b) continue;
    list.push_back({a, b});
    expected.insert({std::min(a, b), std::max(a, b)});
  }
  const auto pairs = PairSelection::listed(40, list);
  CHECK(pairs.count() == std::ssize(expected));
  CHECK(all_of(pairs) == std::vector<ImagePair>(expected.begin(), expected.end()));
  std::vector<ImagePair> by_tiles;
  for (const ImageRange rows : {ImageRange{0, 13}, ImageRange{13, 14}, ImageRange{14, 40}}) {
    for (const ImageRange columns : {ImageRange{0, 9}, ImageRange{9, 33}, ImageRange{33, 40}}) {
      const auto within = pairs.within(rows, columns);
      CHECK(std::is_sorted(within.begin(), within.end()));
      for (const ImagePair pair : within) CHECK((rows.contains(pair.first) && columns.contains(pair.second)));
      by_tiles.insert(by_tiles.end(), within.begin(), within.end());
    }
  }
  std::sort(by_tiles.begin(), by_tiles.end());
  CHECK(by_tiles == all_of(pairs));
  CHECK_THROWS_WITH(PairSelection::listed(3, {{0, 3}}), Contains("(0, 3)") && Contains("0 to 2"));
  CHECK_THROWS_WITH(PairSelection::listed(3, {{1, 1}}), Contains("itself"));
}

TEST_CASE("blocks of a plan hold every pair once, whatever the tile, shards share them out") {
  const Engine engine = tiny_engine(Tiny::l2);
  const auto source = random_images(23, 40, 3);
  for (const auto& pairs : {PairSelection::exhaustive(23), PairSelection::sequential(23, 4)}) {
    for (const std::int64_t tile : {1, 30, 100, 5000}) {
      const auto plan = make_plan(engine, source, pairs, {.tile_keypoints = tile});
      std::vector<ImagePair> found;
      for (const Block& block : plan.blocks) {
        const auto within = pairs.within(block.rows, block.columns);
        CHECK(std::ssize(within) == block.pairs);
        found.insert(found.end(), within.begin(), within.end());
      }
      std::sort(found.begin(), found.end());
      CHECK(found == all_of(pairs));
      CHECK(plan.pairs() == pairs.count());
      for (const std::int64_t count : {1, 2, 7, 500}) {
        std::int64_t next = 0;
        for (std::int64_t index = 0; index < count; ++index) {
          for (const std::int64_t block : shard_blocks(plan, {index, count})) CHECK(block == next++);
        }
        CHECK(next == std::ssize(plan.blocks));
      }
    }
  }
}

TEST_CASE("a plan is the same each time, and every input changes its id") {
  const Engine engine = tiny_engine(Tiny::l2);
  const auto source = random_images(9, 20, 4);
  const auto pairs = PairSelection::exhaustive(9);
  const PlanRequest request{.tile_keypoints = 50};
  const auto plan = make_plan(engine, source, pairs, request);
  CHECK(make_plan(engine, source, pairs, request).id == plan.id);
  std::set<std::string> ids{plan.id};
  PlanRequest other = request;
  other.rules.match.threshold = -0.5F;
  ids.insert(make_plan(engine, source, pairs, other).id);
  other.rules.match.mutual = false;
  ids.insert(make_plan(engine, source, pairs, other).id);
  other.numerics = "fp16";
  ids.insert(make_plan(engine, source, pairs, other).id);
  ids.insert(make_plan(tiny_engine(Tiny::l2, 0, 2), source, pairs, request).id);
  other = request;
  Engine second = tiny_second({"tiny", 3, 1, 1, 0});
  other.rerank = &second;
  ids.insert(make_plan(engine, source, pairs, other).id);
  ids.insert(make_plan(engine, random_images(9, 20, 5), pairs, request).id);
  ids.insert(make_plan(engine, source, PairSelection::sequential(9, 7), request).id);
  ids.insert(make_plan(engine, source, pairs, {.tile_keypoints = 51}).id);
  CHECK(ids.size() == 9);
}

TEST_CASE("shards are numbered from one") {
  CHECK(Shard::parse("1/1").index == 0);
  CHECK(Shard::parse("3/8").index == 2);
  CHECK(Shard::parse("3/8").count == 8);
  for (const char* text : {"0/4", "5/4", "1/0", "1", "/", "a/b", "1/2/3", "-1/2", ""}) {
    CHECK_THROWS_WITH(Shard::parse(text), Contains("1 ≤ i ≤ N"));
  }
}
