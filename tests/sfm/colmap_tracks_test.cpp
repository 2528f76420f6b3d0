// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_tracks.hpp"

#include <catch2/catch.hpp>

#include "support/message.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// Two images with two and one keypoints, one point seen in both.
ColmapModel small_model() {
  ColmapModel model;
  parse_cameras_text("1 PINHOLE 100 50 90 91 50 25\n", "cameras.txt", model);
  parse_images_text("1 1 0 0 0 0 0 0 1 a.jpg\n10 20 -1 30 40 5\n2 1 0 0 0 1 0 0 1 b.jpg\n50 30 5\n", "images.txt",
                    model);
  parse_points_text("5 0 0 4 9 9 9 0.5 1 1 2 0\n", "points3D.txt", model);
  check_colmap_model(model, "model");
  return model;
}

}  // namespace

TEST_CASE("tracks are read with sigma and angle") {
  const auto points =
      parse_tracks("# point X Y Z error n\n7 0.5 -1 3 0.25 2 1 30.5 40.25 1.5 -0.5 2 50 30 2.5 3.1\n\n8 0 0 1 0 0\n",
                   "tracks.txt", small_model());
  REQUIRE(points.size() == 2);
  CHECK(points[0].id == 7);
  CHECK(points[0].error == 0.25);
  REQUIRE(points[0].sightings.size() == 2);
  CHECK(points[0].sightings[1].image == 2);
  CHECK(points[0].sightings[1].keypoint.sigma == 2.5F);
  CHECK(points[0].sightings[0].keypoint.angle == -0.5F);
  CHECK(points[1].sightings.empty());
}

TEST_CASE("tracks that are malformed are refused with the line") {
  const auto refused = [](const char* text) {
    return message_of<FormatError>([&] { (void)parse_tracks(text, "tracks.txt", small_model()); });
  };
  CHECK(refused("7 0 0 1 0.5 1 9 1 2 3 4\n") == "tracks.txt: line 1: image 9 is not in the model");
  CHECK(refused("7 0 0 1 0.5 2 1 1 2 3 4\n") == "tracks.txt: line 1: expected an image id, found the end of the line");
  CHECK(refused("#\n7 0 0 1 0.5 1 1 1 2 3 4 5\n") == "tracks.txt: line 2: expected 1 images, found more");
  CHECK(refused("7 0 0 1 0.5 1 1 1 2 0 4\n") == "tracks.txt: line 1: sigma 0 is not positive");
  CHECK(refused("7 0 0 1 0.5 1 1 1 2 inf 4\n") == "tracks.txt: line 1: expected sigma, found \"inf\"");
  CHECK(refused("7 0 0\n") == "tracks.txt: line 1: expected the position, found the end of the line");
  CHECK(refused("7 0 0 1 0.5 99999999999\n").find("expected the number of images") != std::string::npos);
}

TEST_CASE("a database's keypoints must be those of the model") {
  const ColmapModel model = small_model();
  std::map<std::string, std::vector<Keypoint>> keypoints{
      {"a.jpg", {{.x = 10, .y = 20, .sigma = 1}, {.x = 30, .y = 40, .sigma = 3, .angle = 1}}},
      {"b.jpg", {{.x = 50, .y = 30, .sigma = 2}}}};
  const auto points = points_with_database(model, keypoints, "database.db");
  REQUIRE(points.size() == 1);
  REQUIRE(points[0].sightings.size() == 2);
  CHECK(points[0].sightings[0].keypoint.sigma == 3);
  CHECK(points[0].sightings[1].keypoint.x == 50);
  keypoints["a.jpg"].pop_back();
  CHECK(message_of<Error>([&] { (void)points_with_database(model, keypoints, "database.db"); }) ==
        "database.db: 1 keypoints of a.jpg, the model has 2: not from the same reconstruction");
  keypoints.erase("a.jpg");
  CHECK(message_of<Error>([&] { (void)points_with_database(model, keypoints, "database.db"); }) ==
        "database.db: has no keypoints of a.jpg");
}

TEST_CASE("keypoints detected again are taken where they are near the model's, the strongest of several") {
  const ColmapModel model = small_model();
  const std::map<std::uint32_t, std::vector<Keypoint>> detected{
      {1, {{.x = 30.5F, .y = 40, .sigma = 4, .response = 9}, {.x = 30.5F, .y = 40, .sigma = 5, .response = 1}}},
      {2, {{.x = 55, .y = 30, .sigma = 2}}}};
  const auto points = points_with_detections(model, detected);
  REQUIRE(points.size() == 1);
  REQUIRE(points[0].sightings.size() == 1);  // 5 pixels are not near
  CHECK(points[0].sightings[0].keypoint.sigma == 4);
}

TEST_CASE("of several keypoints in one place those are taken that agree with the other images") {
  const ColmapModel model = small_model();
  const std::map<std::uint32_t, std::vector<Keypoint>> detected{{1,
                                                                 {{.x = 30, .y = 40, .sigma = 4, .angle = 0},
                                                                  {.x = 30, .y = 40, .sigma = 12, .angle = 2},
                                                                  {.x = 30, .y = 40, .sigma = 12, .angle = 0}}},
                                                                {2, {{.x = 50, .y = 30, .sigma = 13, .angle = 0.1F}}}};
  const auto points = points_with_detections(model, detected);
  REQUIRE(points[0].sightings.size() == 2);
  CHECK(points[0].sightings[0].keypoint.sigma == 12);
  CHECK(points[0].sightings[0].keypoint.angle == 0);
}
