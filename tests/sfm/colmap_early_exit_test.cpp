// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <csignal>

#include "sfm/colmap_collection.hpp"
#include "twinpatch/engine/two_stage.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/vision/image.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// Three photographs of one scene (ids 3, 4, 5) and two of another one (6, 7): upside down and negative.
struct TwoScenes : Collection {
  TwoScenes() : Collection({"a.png", "b.png", "c.png"}) {
    TestDatabase database(path());
    for (int i = 0; i < 2; ++i) {
      names.emplace_back(i == 0 ? "x.png" : "y.png");
      const GrayImage image = read_image(photograph(static_cast<std::size_t>(i)));
      GrayImage other(kWidth, kHeight);
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
          other.row(y)[x] = static_cast<std::uint8_t>(255 - image.row(kHeight - 1 - y)[x]);
        }
      }
      write_image(images() + "/" + names.back(), other);
      database.image(6 + i, names.back(), 1, 0, {});
    }
  }
};

constexpr const char* kSample = "60";

}  // namespace

TEST_CASE("pairs of two scenes are dropped by a sample, the others have the matches that they have without") {
  const TwoScenes collection;
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto all = matches_of(collection);
  const auto run = collection.scene.path("run");
  const auto events = collection.scene.path("events.jsonl");
  const std::vector<std::string> early{"--early-exit", kSample, "--run", run, "--replace", "--json"};
  auto first = early;
  first.insert(first.end(), {"--events", events});
  const auto result = collection.run(first);
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto json = result.json()["early_exit"];
  CHECK(json["keypoints"] == 60);
  CHECK(json["pairs_dropped"] == 6);
  CHECK(json["pairs_sampled"] == 10);
  CHECK(json["rows_compared"] == 600);
  CHECK_THAT(result.err, Contains("early exit: 6 of 10 pairs dropped; 600 rows of 10 pairs were compared before") &&
                             Contains("6 of them were dropped by --early-exit"));
  CHECK_THAT(read(events), Contains("\"dropped\":6"));
  const auto kept = matches_of(collection);
  CHECK(kept.size() == 4);
  for (const auto& [pair, matches] : kept) CHECK(matches == all.at(pair));

  // What was dropped stays so, and is counted again.
  const auto again = collection.run(early);
  CHECK(again.json()["early_exit"]["pairs_dropped"] == 6);
  CHECK(again.json()["early_exit"]["rows_compared"] == 0);
  CHECK(matches_of(collection) == kept);
  const auto merged = run_twinpatch({"merge", run, "--json"});
  CHECK(merged.json()["pairs_dropped"] == 6);

  // Another sample, another seed and none are other rules.
  const auto refusal = [&](const std::vector<std::string>& options) {
    auto all_of_them = options;
    all_of_them.insert(all_of_them.end(), {"--run", run});
    const auto refused = collection.run(all_of_them);
    CHECK(refused.code == 1);
    return refused.err;
  };
  CHECK_THAT(refusal({"--early-exit", "61"}), Contains("another set of match rules") &&
                                                  Contains("of 60 sampled keypoints") &&
                                                  Contains("of 61 sampled keypoints"));
  CHECK_THAT(refusal({"--early-exit", kSample, "--seed", "2"}), Contains("(seed 1)") && Contains("(seed 2)"));
  CHECK_THAT(refusal({}), Contains("another set of match rules"));
}

TEST_CASE("an early exit that is killed, and one in shards, end in the rows of an undisturbed run") {
  const TwoScenes collection;
  const auto options = [&](const char* folder) {
    return std::vector<std::string>{"--early-exit",      kSample, "--run",     collection.scene.path(folder),
                                    "--block-keypoints", "1",     "--replace", "--json"};
  };
  const auto with = [&](const char* folder, const std::vector<std::string>& more) {
    auto all = options(folder);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  REQUIRE(collection.run(with("straight", {"--extract"})).code == 0);
  const auto expected = matches_of(collection);
  REQUIRE(expected.size() == 4);
  for (int kills = 0; kills < 3; ++kills) {
    const auto killed = collection.run(with("killed", {"--events", "/dev/stderr"}), "siam-l2",
                                       {.interrupt_after = R"("event":"block")", .signal = SIGKILL});
    INFO(killed.err);
    CHECK((killed.code == 128 + SIGKILL || killed.code == 0));
  }
  const auto resumed = collection.run(options("killed"));
  CHECK(resumed.json()["early_exit"]["pairs_dropped"] == 6);
  CHECK(matches_of(collection) == expected);
  for (const char* shard : {"2/2", "1/2"}) REQUIRE(collection.run(with("shards", {"--shard", shard})).code == 0);
  CHECK(collection.run(options("shards")).json()["early_exit"]["pairs_dropped"] == 6);
  CHECK(matches_of(collection) == expected);
}

TEST_CASE("a sample that is none is refused, and a plan says what it is") {
  const Collection collection({"a.png", "b.png"});
  for (const char* text : {"0", "-5", "31"}) {
    const auto result = collection.run({"--early-exit", text});
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Contains("--early-exit needs at least 32 keypoints, found " + std::string(text)));
  }
  for (const char* text : {"many", "1.5"}) CHECK(collection.run({"--early-exit", text}).code == 2);
  REQUIRE(collection.run({"--extract", "--early-exit", kSample}).code == 0);
  CHECK_THAT(collection.run({"--early-exit", kSample, "--dry-run"}).out,
             Contains("without pairs where of 60 sampled keypoints"));
}

TEST_CASE("an early exit spares a second pass and a second network what it drops") {
  const TwoScenes collection;
  const auto result = collection.run({"--extract", "--early-exit", kSample, "--guided", "matches", "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.json()["early_exit"]["pairs_dropped"] == 6);
  CHECK_THAT(result.err, Contains("second pass: 4 of 10 pairs have a geometry"));
  // A sample is judged by the first network's matches, the same ones.
  twinpatch::Model second = twinpatch::load_model(collection.scene.model("siam"));
  twinpatch::store_two_stage_rule(second, {"siam-l2", 2, 1, 0.001, -10});
  const auto fitted = collection.scene.path("fitted.safetensors");
  twinpatch::save_model(fitted, second);
  const auto both = collection.run({"--early-exit", kSample, "--rerank", fitted, "--guided", "--json", "--run",
                                    collection.scene.path("both"), "--replace"});
  INFO(both.err);
  REQUIRE(both.code == 0);
  CHECK(both.json()["early_exit"]["pairs_dropped"] == 6);
  CHECK(both.json()["matches_written"] > 0);
}
