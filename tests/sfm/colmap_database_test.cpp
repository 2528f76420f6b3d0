// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_database.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "sfm/colmap_fixtures.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

ColmapImageId id(std::uint32_t value) { return static_cast<ColmapImageId>(value); }

}  // namespace

TEST_CASE("keys of pairs are COLMAP's, and come back") {
  CHECK(colmap_pair_id(id(1), id(2)) == 2147483649);
  CHECK(colmap_pair_id(id(2), id(1)) == 2147483649);
  // The largest pair there can be fits 64 bits.
  CHECK(colmap_pair_id(id(2147483646), id(2147483645)) == 4611686009837453315 + 2147483646);
  Random random(Catch::rngSeed());
  for (int i = 0; i < 200; ++i) {
    const auto a = id(static_cast<std::uint32_t>(1 + random.below(2147483646)));
    const auto b = id(static_cast<std::uint32_t>(1 + random.below(2147483646)));
    if (a == b) continue;
    const ColmapPair pair = colmap_pair(colmap_pair_id(a, b));
    CHECK(pair.first == std::min(a, b));
    CHECK(pair.second == std::max(a, b));
  }
  for (const auto& [a, b] : {std::pair{0U, 1U}, {1U, 2147483647U}, {7U, 7U}}) {
    CHECK_THROWS_AS(colmap_pair_id(id(a), id(b)), InvalidArgument);
  }
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{5}, std::int64_t{-1}, 2 * std::int64_t{2147483647},
                                   2 * std::int64_t{2147483647} + 2, 2 * std::int64_t{2147483647} + 1}) {
    CHECK_THROWS_AS(colmap_pair(wrong), InvalidArgument);
  }
}

TEST_CASE("databases of every release of COLMAP are read and told apart") {
  for (const auto& release : colmap_releases()) {
    INFO(release.name);
    const TemporaryFolder folder;
    const auto path = folder / ("COLMAP's " + release.name + " données.db");
    const auto keypoints = random_keypoints(5, 640, 480, Catch::rngSeed());
    {
      TestDatabase database(path, release.name);
      database.camera(3, 2, 640, 480, {500, 320, 240, 0.01}, true);
      database.image(7, "dossier/été 1.jpg", 3, 6, keypoints);
      database.image(2, "it's \"b\".jpg", 3, 0, {});
    }
    const ColmapDatabase database(path);
    CHECK(database.schema() == release.schema);
    CHECK_THAT(std::string(colmap_schema_name(database.schema())), Contains(release.name.substr(0, 3)));
    const auto images = database.images();
    REQUIRE(images.size() == 2);
    CHECK(images[0].id == id(2));
    CHECK(images[0].name == "it's \"b\".jpg");
    CHECK(images[0].keypoints == -1);
    CHECK(images[1].name == "dossier/été 1.jpg");
    CHECK(images[1].keypoints == 5);
    CHECK(images[1].columns == 6);
    const auto cameras = database.cameras();
    CHECK(cameras.at(3).camera.model == CameraModel::simple_radial);
    CHECK(cameras.at(3).camera.parameters == std::vector<double>{500, 320, 240, 0.01});
    CHECK(cameras.at(3).has_prior_focal_length);
    CHECK(database.keypoints(id(2)).empty());
    CHECK(database.keypoints(id(7)).size() == 5);
    CHECK_FALSE(database.matches(id(2), id(7)));
  }
}

TEST_CASE("keypoints of two, four and six columns") {
  const TemporaryFolder folder;
  Random random(Catch::rngSeed());
  const double sigma = random.uniform(1, 9);
  const double angle = random.uniform(-3, 3);
  const double c = sigma * std::cos(angle);
  const double s = sigma * std::sin(angle);
  {
    TestDatabase database(folder / "a.db", "3.12");
    database.camera(1, 0, 100, 100, {1, 2, 3}, false);
    database.image(
        1, "six.jpg", 1, 6,
        {10, 20, static_cast<float>(c), static_cast<float>(-s), static_cast<float>(s), static_cast<float>(c)});
    database.image(2, "four.jpg", 1, 4, {1, 2, static_cast<float>(sigma), static_cast<float>(angle)});
    database.image(3, "two.jpg", 1, 2, {5, 6, 7, 8});
    database.image(4, "five.jpg", 1, 5, {1, 2, 3, 4, 5});
    database.image(5, "none.jpg", 1, 2, {});
    // Stretched along y: σ is the mean of 2 and 6, the angle that of the first column.
    database.image(6, "affine.jpg", 1, 6, {1, 1, 0, -6, 2, 0});
    database.run("UPDATE keypoints SET rows = 1000000000 WHERE image_id = 4");
    database.image(7, "short.jpg", 1, 6, {1, 2, 3, 4, 5, 6});
    database.run("UPDATE keypoints SET rows = 2 WHERE image_id = 7");
  }
  const ColmapDatabase database(folder / "a.db");
  for (const std::uint32_t image : {1U, 2U}) {
    const auto keypoints = database.keypoints(id(image));
    REQUIRE(keypoints.size() == 1);
    CHECK(keypoints[0].sigma == Approx(sigma).epsilon(1e-5));
    CHECK(keypoints[0].angle == Approx(angle).epsilon(1e-5));
  }
  CHECK(database.keypoints(id(6))[0].sigma == Approx(4));
  CHECK(database.keypoints(id(6))[0].angle == Approx(std::atan2(2, 0)));
  CHECK(database.keypoints(id(6))[0].shape == AffineShape{0, -6, 2, 0});
  CHECK_FALSE(database.keypoints(id(2))[0].shape);
  const auto two = database.keypoints(id(3), 2.5F);
  REQUIRE(two.size() == 2);
  CHECK(two[1] == Keypoint{.x = 7, .y = 8, .sigma = 2.5F, .angle = 0, .response = 0});
  CHECK(database.keypoints(id(5)).empty());
  const auto refused = [&](std::uint32_t image) {
    return message_of<FormatError>([&] { (void)database.keypoints(id(image)); });
  };
  CHECK_THAT(refused(3), Contains("keypoints of two.jpg: two columns, no scale and angle"));
  CHECK_THAT(refused(4), Contains("5 columns, expected 2, 4 or 6"));
  CHECK_THAT(refused(7), Contains("keypoints of short.jpg: 2 rows of 6 columns in 24 bytes"));
}

TEST_CASE("keypoints that all have the same scale have none") {
  const TemporaryFolder folder;
  {
    TestDatabase database((folder / "a.db").string(), "3.8", true);
    database.camera(1, 0, 40, 30, {30, 20, 15}, true);
    database.image(1, "identity.jpg", 1, 6, {1, 2, 1, 0, 0, 1, 3, 4, 1, 0, 0, 1});
    database.image(2, "zero.jpg", 1, 4, {1, 2, 0, 0.5F, 3, 4, 0, 0.25F});
    database.image(3, "scaled.jpg", 1, 4, {1, 2, 3, 0, 3, 4, 3.5F, 0});
    database.image(4, "alone.jpg", 1, 4, {1, 2, 1, 0});
    database.image(5, "one.jpg", 1, 4, {1, 2, 2.5F, 0});
  }
  const ColmapDatabase database(folder / "a.db");
  for (const std::uint32_t image : {1U, 2U, 4U}) {
    CAPTURE(image);
    CHECK_FALSE(database.has_scales(id(image)));
    CHECK_THAT(message_of<FormatError>([&] { (void)database.keypoints(id(image)); }),
               Contains("the same scale for all"));
    for (const auto& keypoint : database.keypoints(id(image), 4.0F)) CHECK(keypoint.sigma == 4);
  }
  CHECK(database.keypoints(id(2), 4.0F)[1].angle == 0.25F);  // what else there is stays
  for (const std::uint32_t image : {3U, 5U}) {
    CHECK(database.has_scales(id(image)));
    CHECK(database.keypoints(id(image), 4.0F)[0].sigma < 4);
  }
  CHECK_FALSE(database.keypoints(id(1), 3.0F)[0].shape);  // an identity is none
}

TEST_CASE("a database in COLMAP's own journal mode is read while COLMAP holds the write lock") {
  const TemporaryFolder folder;
  TestDatabase colmap(folder / "a.db", "3.8", true);
  colmap.camera(1, 0, 100, 100, {1, 2, 3}, false);
  colmap.image(1, "a.jpg", 1, 4, {1, 2, 3, 0});
  colmap.run("BEGIN IMMEDIATE");
  colmap.run("UPDATE images SET name = 'b.jpg'");
  const ColmapDatabase database(folder / "a.db");
  CHECK(database.images()[0].name == "a.jpg");
  colmap.run("COMMIT");
  CHECK(database.images()[0].name == "b.jpg");
}
