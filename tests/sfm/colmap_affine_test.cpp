// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>

#include "sfm/colmap_collection.hpp"

// Windows of the shapes of a database's keypoints: `colmap --affine`.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

/// Replaces the shapes of an image's keypoints by this one, a little larger from one to the next.
void reshape(const Collection& collection, std::uint32_t image, const std::vector<float>& shape) {
  TestDatabase database(collection.path());
  auto values = floats(database.row("keypoints", "image_id", image)->data);
  const auto count = static_cast<std::int64_t>(values.size() / 6);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float factor = 1 + 0.001F * static_cast<float>(i / 6);  // one size for all would be none
    if (i % 6 >= 2) values[i] = factor * shape[i % 6 - 2];
  }
  const std::string& name = collection.names[image - 3];
  database.run("DELETE FROM keypoints WHERE image_id = " + std::to_string(image));
  database.run("DELETE FROM images WHERE image_id = " + std::to_string(image));
  database.image(static_cast<int>(image), name, 1, 6, values);
  REQUIRE(database.number("SELECT rows FROM keypoints WHERE image_id = " + std::to_string(image)) == count);
}

}  // namespace

TEST_CASE("windows of circles are what they are without --affine, which says so") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto result = collection.run({"--affine", "--run", collection.scene.path("affine")});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.err, Contains("all shapes are circles") && Contains("estimate_affine_shape"));
  const auto [count, correct] = collection.right_ones(3, 4);
  CHECK(correct > count * 7 / 10);
}

TEST_CASE("a run holds its choice of windows, and another one is refused") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  reshape(collection, 3, {3, 0.5F, 0, 2});
  reshape(collection, 4, {3, 0.5F, 0, 2});
  const auto first = collection.run({"--affine", "--replace", "--run", collection.scene.path("run")});
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(first.err.find("circles") == std::string::npos);
  const auto [count, correct] = collection.right_ones(3, 4);
  CHECK(count > 20);
  CHECK(correct > count * 7 / 10);
  CHECK_THAT(read(collection.scene.path("run/plan.json")), Contains(", affine\""));
  const auto again = collection.run({"--affine", "--run", collection.scene.path("run")});
  CHECK(again.code == 0);
  CHECK_THAT(again.err, Contains("1 pair already had the same matches"));
  const auto other = collection.run({"--run", collection.scene.path("run")});
  CHECK(other.code == 1);
  CHECK_THAT(other.err, Contains("holds a run with another patch extraction") && Contains(", affine"));
}

TEST_CASE("affine windows without usable shapes is refused in one line") {
  const Collection collection({"a.png", "b.png"});
  REQUIRE(collection.run({"--extract"}).code == 0);
  const auto refused = [&](int code) {
    const auto result = collection.run({"--affine", "--run", collection.scene.path("refused")});
    CHECK(result.code == code);
    CHECK(result.err.find("error: ") == result.err.rfind("error: "));
    return result.err;
  };
  SECTION("mirrored") {
    reshape(collection, 4, {2, 0, 0, -2.5F});
    CHECK_THAT(refused(1), Contains("b.png: keypoint 0 has the shape 2 0 0 -2.5, which is mirrored"));
  }
  SECTION("singular") {
    reshape(collection, 3, {2, 2, 2, 2});
    CHECK_THAT(refused(1), Contains("a.png: keypoint 0") && Contains("more than 10 times as long as wide"));
  }
  SECTION("not a number") {
    reshape(collection, 4, {2, 0, std::nanf(""), 2});
    CHECK_THAT(refused(1), Contains("b.png: keypoint 0") && Contains("finite"));
  }
  SECTION("four columns") {
    TestDatabase(collection.path()).image(9, "c.png", 1, 4, {5, 5, 2, 0, 9, 9, 3, 1});
    (void)collection.scene.photograph("photo graphs/c.png", kWidth, kHeight, 3);
    CHECK_THAT(refused(1),
               Contains("--affine needs keypoints with six columns") && Contains("1 images") && Contains("c.png"));
  }
  SECTION("a size for keypoints without one") {
    const auto result = collection.run({"--affine", "--patch-size", "30"});
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Contains("--patch-size"));
  }
}
