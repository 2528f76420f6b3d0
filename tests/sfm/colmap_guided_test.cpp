// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "sfm/colmap_collection.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

/// A model of a camera that moves along a wall: what is at x in one image is 17 pixels further right in the next one.
std::string write_model(const Collection& collection, const std::string& folder, int width,
                        const std::string& prefix = "") {
  const std::string model = collection.scene.path(folder);
  write(model + "/cameras.txt", "1 PINHOLE " + std::to_string(width) + " 180 300 300 120 90\n");
  std::string images;
  for (std::size_t i = 0; i < collection.names.size(); ++i) {
    images += std::to_string(i + 1) + " 1 0 0 0 " + std::to_string(static_cast<double>(kShift * i) / 300) + " 0 0 1 " +
              prefix + collection.names[i] + "\n\n";
  }
  write(model + "/images.txt", images);
  write(model + "/points3D.txt", "");
  return "poses:" + model;
}

/// Whether every match of a pair is within so many pixels of its row of the image.
bool on_rows(const Collection& collection, std::uint32_t a, std::uint32_t b, float pixels) {
  TestDatabase database(collection.path());
  const auto pairs = integers(database.row("matches", "pair_id", key(a, b))->data);
  const auto left = floats(database.row("keypoints", "image_id", a)->data);
  const auto right = floats(database.row("keypoints", "image_id", b)->data);
  bool all = !pairs.empty();
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    all = all && std::abs(left.at(6 * pairs[i] + 1) - right.at(6 * pairs[i + 1] + 1)) <= pixels;
  }
  return all;
}

std::string repeated(const std::string& hex, int times) {
  std::string text = "x'";
  for (int i = 0; i < times; ++i) text += hex;
  return text + "'";
}

}  // namespace

TEST_CASE("a second pass finds what agrees with the geometry of the first one, in shards as in one go") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const auto events = collection.scene.path("events.jsonl");
  const auto result = collection.run({"--extract", "--guided", "matches", "--band", "3", "--events", events});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("second pass: 3 of 3 pairs have a geometry"));
  CHECK_THAT(read(events), Contains("\"guided\":3"));
  const auto guided = matches_of(collection);
  for (const auto& [a, b] : {std::pair{3U, 4U}, {3U, 5U}, {4U, 5U}}) {
    const auto [count, right] = collection.right_ones(a, b);
    CHECK(count > 20);
    CHECK(right > count * 9 / 10);  // 3 px to the side are beyond what counts as right
  }
  CHECK_THAT(collection.run({"--guided", "matches", "--band", "3"}).err,
             Contains("3 pairs already had the same matches"));
  for (const auto& plain : {std::vector<std::string>{"--guided"}, {"--guided", "matches"}, {"--guided=matches"}}) {
    CHECK_THAT(collection.run(plain).err, Contains("another set of match rules") &&
                                              Contains("guided by matches within 3 px") &&
                                              Contains("guided by matches within 2 px"));
  }
  CHECK_THAT(collection.run({}).err, Contains("another set of match rules"));

  const auto other = collection.scene.path("shards");
  const std::vector<std::string> again{"--guided", "matches", "--band", "3", "--run", other, "--block-keypoints", "1"};
  for (const char* shard : {"2/2", "1/2"}) {
    auto part = again;
    part.insert(part.end(), {"--shard", shard});
    REQUIRE(collection.run(part).code == 0);
  }
  auto whole = again;
  whole.emplace_back("--replace");
  REQUIRE(collection.run(whole).code == 0);
  CHECK(matches_of(collection) == guided);
}

TEST_CASE("known poses guide matches without a first pass") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const auto result = collection.run({"--extract", "--guided", write_model(collection, "model", 240), "--band", "2"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("second pass: 3 of 3 pairs have a geometry"));
  CHECK(on_rows(collection, 3, 4, 2));
  CHECK(on_rows(collection, 3, 5, 2));
  const auto [count, right] = collection.right_ones(3, 5);
  CHECK(count > 20);
  CHECK(right > count * 7 / 10);

  // A model that lacks an image: its pairs are estimated from matches.
  Collection one_less({"a.png", "b.png"});
  const auto model = write_model(one_less, "model", 240);
  one_less.names.emplace_back("c.png");
  (void)one_less.scene.photograph("photo graphs/c.png", kWidth, kHeight, 2 * kShift);
  TestDatabase(one_less.path()).image(5, "c.png", 1, 0, {});
  const auto partly = one_less.run({"--extract", "--guided", model});
  INFO(partly.err);
  REQUIRE(partly.code == 0);
  CHECK_THAT(partly.err, Contains("1 of 3 images have no pose") && Contains("\"c.png\"") &&
                             Contains("3 of 3 pairs have a geometry"));
}

TEST_CASE("poses of other images are refused, and so is what says nothing") {
  const Collection collection({"a.png", "b.png"});
  const auto run = [&](const std::string& guided) { return collection.run({"--extract", "--guided", guided}); };
  const auto names = run(write_model(collection, "names", 240, "other/"));
  CHECK(names.code == 1);
  CHECK_THAT(names.err, Contains("a model of other images: none of its 2 has the name of one of these 2"));
  const auto sizes = run(write_model(collection, "sizes", 480));
  CHECK(sizes.code == 1);
  CHECK_THAT(sizes.err, Contains("a model of other images: a.png has 480x180 pixels there, 240x180 here"));
  const auto model = write_model(collection, "nan", 240);
  write(collection.scene.path("nan/images.txt"), "1 1 0 0 0 nan 0 0 1 a.png\n\n2 1 0 0 0 0 0 0 1 b.png\n\n");
  CHECK(run(model).code == 1);
  CHECK(run("poses:" + collection.scene.path("nowhere")).code == 1);
  CHECK(run("poses:").code == 2);
  CHECK(run("gps").code == 2);
  CHECK_THAT(run("gps").err, Contains("--guided: expected matches, database or poses:DIR, found gps"));
  CHECK(collection.run({"--guided", "matches", "--band", "0"}).code == 2);
  CHECK(matches_of(collection).empty());
}

TEST_CASE("geometries of the database guide matches, also after they were replaced") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const auto none = collection.run({"--extract", "--guided", "database"});
  CHECK(none.code == 1);
  CHECK_THAT(none.err, Contains("needs pairs that were verified, and there are none"));
  REQUIRE(collection.run({"--verify"}).code == 0);
  const std::vector<std::string> guided{"--guided", "database", "--replace", "--run", collection.scene.path("second")};
  const auto result = collection.run(guided);
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("geometry of 3 pairs is known") && Contains("3 of 3 pairs have a geometry"));
  const auto matches = matches_of(collection);
  const auto [count, right] = collection.right_ones(3, 4);
  CHECK(count > 20);
  CHECK(right > count * 8 / 10);
  CHECK(TestDatabase(collection.path()).number("SELECT count(*) FROM two_view_geometries") == 0);
  std::filesystem::remove_all(collection.scene.path("second/blocks"));  // as if it had been killed before
  const auto again = collection.run(guided);
  INFO(again.err);
  REQUIRE(again.code == 0);
  CHECK(matches_of(collection) == matches);
}

TEST_CASE("geometries that are none, or of other images, are refused") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract", "--verify"}).code == 0);
  TestDatabase database(collection.path());
  const auto refusal = [&](const std::string& change) {
    database.run("UPDATE two_view_geometries SET " + change);
    const auto result = collection.run({"--guided", "database", "--run", collection.scene.path("second")});
    CHECK(result.code == 1);
    return result.err;
  };
  const std::string one = "000000000000f03f";
  const std::string zero = "0000000000000000";
  const std::string nan = "000000000000f87f";
  const std::string million = "0000000080842e41";  // pixels squared: of the size that the other terms reach
  const std::string full = "x'" + one + zero + zero + zero + one + zero + zero + zero + million + "'";
  CHECK_THAT(refusal("config = 3, F = " + repeated(nan, 9)),
             Contains("geometry of a.png and b.png: its matrix has a number that is not finite"));
  CHECK_THAT(refusal("F = " + full), Contains("geometry of a.png and b.png: its fundamental matrix has rank 3"));
  CHECK_THAT(refusal("config = 6, H = " + repeated(one, 9)), Contains("its homography is singular"));
  CHECK_THAT(refusal("H = " + repeated(one, 8)), Contains("a matrix of 64 bytes, expected 72"));
  CHECK_THAT(refusal("rows = 1, data = x'ff00000001000000'"),
             Contains("keypoint 255 of a.png, which has ") && Contains("it belongs to other images"));
}
