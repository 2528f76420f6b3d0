// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>

#include "sfm/colmap_collection.hpp"
#include "twinpatch/vision/image.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("keypoints without scale need the size of their patches") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  {
    // What hloc would have stored of them.
    TestDatabase database(collection.path());
    std::vector<std::vector<float>> places;
    for (const int id : {3, 4}) {
      const auto six = floats(database.row("keypoints", "image_id", id)->data);
      places.emplace_back();
      for (std::size_t i = 0; i < six.size(); i += 6) places.back().insert(places.back().end(), {six[i], six[i + 1]});
    }
    database.run("DELETE FROM keypoints");
    database.run("DELETE FROM matches");
    database.run("DELETE FROM images");
    for (const std::size_t i : {0U, 1U}) {
      database.image(static_cast<int>(i) + 3, collection.names[i], 1, 2, places[i]);
    }
  }
  const auto refused = collection.run({"--run", collection.scene.path("r")});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("two columns") && Contains("--patch-size") && Contains("\"a.png\", \"b.png\""));
  const auto result = collection.run({"--run", collection.scene.path("r"), "--patch-size", "40"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  TestDatabase database(collection.path());
  CHECK(database.row("matches", "pair_id", key(3, 4))->rows > 20);
}

TEST_CASE("keypoints of one scale need a size like those without, and a size that changes nothing is named") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto useless = collection.run({"--patch-size", "40", "--max-error", "3"});
  CHECK(useless.code == 0);
  CHECK_THAT(useless.err, Contains("warning: --patch-size has no effect: all keypoints have a scale") &&
                              Contains("--max-error has no effect: it needs --verify") &&
                              Contains("--max-keypoints has no effect"));
  {
    TestDatabase database(collection.path());
    std::vector<std::vector<float>> rows;
    for (const int id : {3, 4}) {
      auto six = floats(database.row("keypoints", "image_id", id)->data);
      for (std::size_t i = 0; i < six.size(); i += 6) {
        six[i + 2] = six[i + 5] = id == 3 ? 1.0F : 0.0F;  // an identity shape, as for ALIKED; and nothing
        six[i + 3] = six[i + 4] = 0;
      }
      rows.push_back(std::move(six));
    }
    for (const char* table : {"keypoints", "matches", "images"}) database.run(std::string("DELETE FROM ") + table);
    for (const std::size_t i : {0U, 1U}) {
      database.image(static_cast<int>(i) + 3, collection.names[i], 1, 6, rows[i]);
    }
  }
  const auto run = [&](const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--run", collection.scene.path(name), "--replace"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return collection.run(arguments);
  };
  const auto refused = run("r", {});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("the keypoints of 2 images have no scale") && Contains("--patch-size"));
  CHECK(run("r", {"--patch-size", "40"}).code == 0);
  const auto large = matches_of(collection).at(key(3, 4));
  CHECK(large.size() > 40);
  CHECK(run("s", {"--patch-size", "1"}).code == 0);      // shifted pictures match at any size that shows something
  CHECK(matches_of(collection).at(key(3, 4)) != large);  // the size is taken
  CHECK_THAT(run("t", {"--patch-size", "40", "--patch-extent", "9"}).err, Contains("--patch-extent has no effect"));
}

TEST_CASE("an empty list of pairs is named") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto list = collection.scene.folder().file("pairs.txt", "# nothing yet\n").string();
  const auto refused = collection.run({"--pairs", list});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("pairs.txt: no pair of images in this list"));
}

TEST_CASE("images without keypoints, keypoints outside, photographs that are missing") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const auto none = collection.run({});
  CHECK(none.code == 1);
  CHECK_THAT(none.err, Contains("no image has keypoints") && Contains("--extract"));
  REQUIRE(collection.run({"--extract"}).code == 0);
  {
    TestDatabase database(collection.path());
    database.run("UPDATE keypoints SET rows = 0, data = x'' WHERE image_id = 4");
    database.run("DELETE FROM matches");
  }
  const auto two = collection.run({"--run", collection.scene.path("two")});
  INFO(two.err);
  CHECK(two.code == 0);
  CHECK_THAT(two.err, Contains("1 of 3 images have no keypoints") && Contains("b.png"));
  CHECK(TestDatabase(collection.path()).number("SELECT count(*) FROM matches") == 1);

  // The first keypoint of c.png far to the right.
  TestDatabase database(collection.path());
  auto values = floats(database.row("keypoints", "image_id", 5)->data);
  database.run("DELETE FROM keypoints WHERE image_id = 5");
  database.run("DELETE FROM images WHERE image_id = 5");
  values[0] = 1000;
  database.image(5, "c.png", 1, 6, values);
  const auto outside = collection.run({"--run", collection.scene.path("three")});
  CHECK(outside.code == 1);
  CHECK_THAT(outside.err, Contains("c.png: keypoint 0") && Contains("outside the image of 240x180"));

  std::filesystem::remove(collection.photograph(0));
  std::filesystem::remove(collection.photograph(2));
  const auto missing = collection.run({});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, Contains("2 of 3 images are not in this folder: \"a.png\", \"c.png\""));
}

TEST_CASE("a database that another program writes to is left alone") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  TestDatabase colmap(collection.path());
  colmap.run("BEGIN IMMEDIATE");
  const auto locked = collection.run({"--replace", "--lock-wait", "0.05"});
  CHECK(locked.code == 1);
  CHECK_THAT(locked.err, Contains("my data.db") && Contains("another program"));
  colmap.run("ROLLBACK");
  // A look at the plan writes nothing, and so needs no lock.
  colmap.run("BEGIN IMMEDIATE");
  const auto plan = collection.run({"--dry-run", "--run", collection.scene.path("none")});
  INFO(plan.err);
  CHECK(plan.code == 0);
  CHECK_FALSE(collection.scene.has("none"));
  colmap.run("ROLLBACK");
  CHECK(collection.run({"--replace"}).code == 0);
}
