// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>

#include "sfm/colmap_collection.hpp"
#include "twinpatch/vision/image.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// A mask that is white left of `edge`.
void write_mask(const std::string& path, int width, int height, int edge) {
  GrayImage mask(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) mask.row(y)[x] = x < edge ? 255 : 0;
  }
  write_image(path, mask);
}

}  // namespace

TEST_CASE("keypoints under a mask get no matches, what a mask hides is counted, and what it lacks is said") {
  const Collection collection({"a.png", "b.png", "c.png", "d.png"});
  const auto masks = collection.scene.path("masks");
  std::filesystem::create_directory(masks);
  constexpr int kEdge = 150;
  write_mask(masks + "/a.png.png", kWidth, kHeight, kEdge);
  write_mask(masks + "/b.png", kWidth, kHeight, kEdge);  // the image's own name
  write_mask(masks + "/c.png.png", kWidth, kHeight, 0);  // black
  const auto result = collection.run({"--extract", "--masks", masks, "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("keypoints are left out in 3 images with a mask") &&
                             Contains("1 masks are black everywhere") && Contains("\"c.png\"") &&
                             Contains("1 images have no mask in " + masks) && Contains("\"d.png\""));
  const auto counted = result.json()["masks"];
  CHECK(counted["images"] == 3);
  CHECK(counted["black"] == nlohmann::json::array({"c.png"}));
  CHECK(counted["missing"] == nlohmann::json::array({"d.png"}));
  CHECK(counted["left_out"] > 120);
  CHECK(counted["left_out"] < counted["keypoints"]);

  // Numbers are those of the database: keypoints of matches lie in the white part, and the matches are right.
  const auto matches = matches_of(collection);
  CHECK_FALSE(matches.contains(key(3, 5)));
  const auto left = floats(TestDatabase(collection.path()).row("keypoints", "image_id", 3)->data);
  const auto& between = matches.at(key(3, 4));
  for (std::size_t i = 0; i < between.size(); i += 2) CHECK(left.at(6 * between[i]) < kEdge);
  const auto [count, right] = collection.right_ones(3, 4);
  CHECK(count > 20);
  CHECK(right > count * 8 / 10);

  // A run without masks is continued by one with masks, and the other way round.
  const auto without = collection.run({"--replace", "--json"});
  CHECK(without.json()["masks"].is_null());
  CHECK(without.json()["changes"]["changed"].size() == 3);
  CHECK(matches_of(collection).size() == 6);
}

TEST_CASE("masks of other sizes are counted and refused, and so is a folder without any") {
  const Collection collection({"a.png", "b.png", "c.png"});
  const auto masks = collection.scene.path("masks");
  const auto run = [&] { return collection.run({"--extract", "--masks", masks}); };
  CHECK_THAT(run().err, Contains("no such folder (--masks)"));
  std::filesystem::create_directory(masks);
  const auto none = run();
  CHECK(none.code == 1);
  CHECK_THAT(none.err, Contains("none of 3 images has a mask here") && Contains("a.png.png"));
  write_mask(masks + "/a.png.png", kWidth / 2, kHeight / 2, 50);
  write_mask(masks + "/b.png.png", kWidth, kHeight, 50);
  write_mask(masks + "/c.png.png", kHeight, kWidth, 50);
  const auto sizes = run();
  CHECK(sizes.code == 1);
  CHECK_THAT(sizes.err, Contains("2 masks have other sizes than their photographs") && Contains("has 120x90") &&
                            Contains("the photograph 240x180") && Contains("\"a.png\", \"c.png\""));
  std::ofstream(masks + "/a.png.png") << "no image";
  CHECK_THAT(run().err, Contains("a.png.png"));
  CHECK(run().code == 1);
  CHECK(matches_of(collection).empty());
}
