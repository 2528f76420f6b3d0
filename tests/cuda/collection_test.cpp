// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>

#include "collection/collection_support.hpp"
#include "simt/simt.hpp"
#include "support/temporary_folder.hpp"

// A collection on a device that is lost on the way: what was finished stays, and the next run goes on from there.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

struct Collection {
  explicit Collection(Tiny kind) : model(tiny_engine(kind).model()), source(random_images(12, 30, 11)) {}

  /// One run into `folder` on a machine of its own, whose device is lost at the n-th operation (0: never). How many
  /// blocks an earlier run had left, or nothing where the device was lost.
  std::optional<std::int64_t> run(const std::filesystem::path& folder, std::int64_t lost_at) {
    const simt::Machine machine({.seed = static_cast<std::uint64_t>(lost_at) + 1});
    if (lost_at > 0) simt::fail_operation(simt::Call::any, lost_at, cudaErrorECCUncorrectable);
    ExecutionOptions options;
    options.device = "cuda:0";
    try {
      Engine engine(model, options);
      const CollectionPlan plan = make_plan(engine, source, pairs, {.tile_keypoints = 40});
      return run_collection({engine, source, pairs, plan}, {folder, {}}).blocks_found;
    } catch (const DeviceError& error) {
      CHECK(lost_at > 0);
      CHECK_THAT(error.what(), Catch::Contains("cudaErrorECCUncorrectable"));
      return std::nullopt;
    }
  }

  Model model;
  MemoryImageSource source;
  PairSelection pairs = PairSelection::exhaustive(12);
};

}  // namespace

TEST_CASE("a collection whose device is lost keeps its finished blocks, and goes on to the same bytes") {
  Collection collection(GENERATE(Tiny::l2, Tiny::head, Tiny::two_channel));
  const TemporaryFolder folder;
  REQUIRE(collection.run(folder / "straight", 0) == 0);
  const auto expected = block_files(folder / "straight");
  REQUIRE(expected.size() > 3);

  // Later and later, until the device outlives the rest of the work.
  int losses = 0;
  std::size_t kept = 0;
  std::optional<std::int64_t> found;
  for (std::int64_t at = 10; !found; at += at / 2) {
    found = collection.run(folder / "lost", at);
    if (found) continue;
    ++losses;
    const auto now = block_files(folder / "lost");
    CHECK(now.size() >= kept);
    kept = now.size();
  }
  CHECK(losses > 1);
  CHECK(kept > 0);
  CHECK(*found == static_cast<std::int64_t>(kept));
  CHECK(block_files(folder / "lost") == expected);
}

TEST_CASE("images are described between a grid and its result, and every order gives the same bytes") {
  Collection collection(GENERATE(Tiny::l2, Tiny::head));
  const TemporaryFolder folder;
  std::map<std::string, std::string> expected;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const auto to = folder / std::to_string(seed);
    const simt::Machine machine({.seed = seed});
    ExecutionOptions options;
    options.device = "cuda:0";
    Engine engine(collection.model, options);
    const CollectionPlan plan = make_plan(engine, collection.source, collection.pairs, {.tile_keypoints = 40});
    const CollectionStatistics run = run_collection({engine, collection.source, collection.pairs, plan}, {to, {}});
    CHECK(run.stages.describe > 0);
    const auto files = block_files(to);
    REQUIRE(files.size() > 3);
    if (expected.empty()) expected = files;
    CHECK(files == expected);
  }
}
