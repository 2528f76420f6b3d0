// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "apps/process.hpp"
#include "collection/collection_support.hpp"
#include "support/temporary_folder.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// Three shards of a run, each in a folder of its own.
struct Shards {
  Shards() {
    Engine engine = tiny_engine(Tiny::l2);
    const auto source = random_images(15, 40, 6);
    const auto pairs = PairSelection::exhaustive(15);
    PlanRequest request;
    request.tile_keypoints = 60;
    plan = make_plan(engine, source, pairs, request);
    for (int i = 0; i < 3; ++i) {
      run_collection({engine, source, pairs, plan}, {part(i), folder / "descriptors"}, {i, 3});
    }
  }
  std::string part(int i) const { return (folder / ("part " + std::to_string(i))).string(); }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  TemporaryFolder folder;
  CollectionPlan plan;
};

}  // namespace

TEST_CASE("merge joins shards and says what they hold") {
  const Shards shards;
  const auto result =
      run_twinpatch({"merge", shards.part(0), shards.part(1), shards.part(2), "-o", shards.path("whole"), "--json"});
  REQUIRE(result.code == 0);
  const auto json = result.json();
  CHECK(json.at("schema") == "twinpatch.merge/1");
  CHECK(json.at("complete") == true);
  CHECK(json.at("blocks") == shards.plan.blocks.size());
  CHECK(json.at("pairs") == 15 * 14 / 2);
  const auto again = run_twinpatch({"merge", shards.path("whole"), "--json"});
  REQUIRE(again.code == 0);
  CHECK(again.json().at("digest") == json.at("digest"));
}

TEST_CASE("merge names every block that is missing or damaged, and writes nothing") {
  const Shards shards;
  const auto result = run_twinpatch({"merge", shards.part(0), shards.part(2), "-o", shards.path("whole"), "--json"});
  CHECK(result.code == 3);
  const auto missing = shard_blocks(shards.plan, {1, 3});
  REQUIRE_FALSE(missing.empty());
  CHECK(result.json().at("complete") == false);
  CHECK(result.json().at("missing").size() == missing.size());
  for (const std::int64_t n : missing) {
    CHECK_THAT(result.err, Contains(shards.plan.block_id(shards.plan.blocks[static_cast<std::size_t>(n)])));
  }
  CHECK(!std::filesystem::exists(shards.path("whole")));

  const auto blocks = std::filesystem::path(shards.part(1)) / "blocks";
  const auto victim = *std::filesystem::directory_iterator(blocks);
  std::filesystem::resize_file(victim, 40);
  const auto damaged =
      run_twinpatch({"merge", shards.part(0), shards.part(1), shards.part(2), "-o", shards.path("whole")});
  CHECK(damaged.code == 3);
  CHECK_THAT(damaged.err, Contains(victim.path().stem().string()) && Contains("1 of "));
}

TEST_CASE("merge refuses what makes no sense") {
  const Shards shards;
  CHECK(run_twinpatch({"merge"}).code == 2);
  CHECK(run_twinpatch({"merge", shards.part(0), shards.part(1)}).code == 2);
  const auto absent = run_twinpatch({"merge", shards.path("nothing")});
  CHECK(absent.code == 1);
  CHECK_THAT(absent.err, Contains("nothing") && Contains("plan.json"));

  Engine engine = tiny_engine(Tiny::l2, 0, 8);
  const auto source = random_images(15, 40, 6);
  const auto pairs = PairSelection::exhaustive(15);
  const auto other = make_plan(engine, source, pairs, {});
  run_collection({engine, source, pairs, other}, {shards.path("other"), {}});
  const auto mixed = run_twinpatch({"merge", shards.part(0), shards.path("other"), "-o", shards.path("whole")});
  CHECK(mixed.code == 1);
  CHECK_THAT(mixed.err, Contains("another model"));
}
