// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "sfm/colmap_collection.hpp"
#include "support/message.hpp"
#include "support/random.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/sfm/overlap_pairs.hpp"
#include "twinpatch/sfm/pair_rules.hpp"

// Pairs by what a database knows: positions, verified pairs, frames; and several rules together.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

TEST_CASE("places on the ground are those of the WGS84 ellipsoid") {
  const Position origin = ground_position(0, 0);
  CHECK(origin[0] == Approx(6'378'137.0).epsilon(1e-12));
  CHECK(std::abs(origin[1]) + std::abs(origin[2]) < 1e-6);
  CHECK(ground_position(90, 77)[2] == Approx(6'356'752.314245).epsilon(1e-12));  // the semi-minor axis
  const Position a = ground_position(50, 8);
  const Position b = ground_position(50 + 1.0 / 3600, 8);
  CHECK(std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) == Approx(30.9).margin(0.05));  // an arc second north
  CHECK_THAT(message_of<InvalidArgument>([] { (void)ground_position(90.5, 0); }), Contains("no place on Earth"));
  CHECK_THROWS_AS(ground_position(std::nan(""), 0), InvalidArgument);
}

TEST_CASE("spatial pairs are those of all pairs within the radius") {
  Random random(3);
  for (const int count : {0, 1, 2, 60}) {
    std::vector<std::optional<Position>> positions;
    for (int i = 0; i < count; ++i) {
      positions.emplace_back(Position{random.uniform(0, 10), random.uniform(0, 10), random.uniform(0, 3)});
      if (i % 7 == 3) positions.back().reset();
    }
    for (const double radius : {0.001, 1.5, 4.0, 100.0}) {
      std::vector<ImagePair> expected;
      std::optional<double> least;
      for (std::int32_t i = 0; i < count; ++i) {
        for (std::int32_t j = i + 1; j < count; ++j) {
          const auto& a = positions[static_cast<std::size_t>(i)];
          const auto& b = positions[static_cast<std::size_t>(j)];
          if (!a || !b) continue;
          const double apart = std::sqrt(std::pow((*a)[0] - (*b)[0], 2) + std::pow((*a)[1] - (*b)[1], 2) +
                                         std::pow((*a)[2] - (*b)[2], 2));
          if (apart <= radius) expected.push_back({i, j});
          least = std::min(least.value_or(apart), apart);
        }
      }
      CHECK(spatial_pairs(positions, radius) == expected);
      CHECK(least_distance(positions).has_value() == least.has_value());
      if (least) CHECK(*least_distance(positions) == Approx(*least));
    }
  }
  const std::vector<std::optional<Position>> grid{Position{0, 0, 0}, Position{0, 3, 0}, Position{0, 3, 4}};
  CHECK(spatial_pairs(grid, 4) == std::vector<ImagePair>{{0, 1}, {1, 2}});  // the radius itself counts
}

TEST_CASE("transitive pairs close triangles round by round") {
  const std::vector<ImagePair> chain{{0, 1}, {2, 1}, {2, 3}, {3, 4}};
  CHECK(transitive_pairs(6, chain, 1) ==
        std::vector<ImagePair>{{0, 1}, {0, 2}, {1, 2}, {1, 3}, {2, 3}, {2, 4}, {3, 4}});
  CHECK(transitive_pairs(6, chain, 2).size() == 10);
  CHECK(transitive_pairs(6, chain, 9) == transitive_pairs(6, chain, 2));
  CHECK(transitive_pairs(3, {}, 2).empty());
  CHECK(degrees(PairSelection::listed(6, chain)) == std::vector<std::int64_t>{1, 2, 2, 2, 1, 0});
}

namespace {

std::string hex(const std::vector<double>& values) {
  std::string text;
  for (const std::byte byte : std::as_bytes(std::span(values)))
    text += fmt::format("{:02X}", static_cast<unsigned>(byte));
  return text;
}

void set_prior(const Collection& collection, int image, const std::vector<double>& position, int system) {
  TestDatabase(collection.path())
      .run(fmt::format("INSERT OR REPLACE INTO pose_priors (pose_prior_id, corr_data_id, corr_sensor_id, "
                       "corr_sensor_type, position, coordinate_system) VALUES ({0}, {0}, 1, 0, X'{1}', {2})",
                       image, hex(position), system));
}

/// Five photographs, the first four some 11 m from each other on a line to the east of a place in Germany.
struct Located : Collection {
  Located() : Collection({"a.png", "b.png", "c.png", "d.png", "e.png"}, "4.2.dev") {
    for (int i = 0; i < 4; ++i) set_prior(*this, 3 + i, {50.0, 8.0 + 0.000155 * i, 100.0 * i}, 0);
    REQUIRE(run({"--extract", "--pairs", "sequential:1"}).code == 0);
    TestDatabase(path()).run("DELETE FROM matches");
    std::filesystem::remove_all(path() + ".twinpatch");
  }
};

/// Cameras that see 10 m of a wall 10 m away, looking along z, from x = 0, 4, 13; the fourth from
/// behind it.
ColmapModel wall_model() {
  ColmapModel model;
  model.cameras[1] = {CameraModel::pinhole, 200, 200, {200, 200, 100, 100}};
  const double places[] = {0, 4, 13};
  for (std::uint32_t i = 0; i < 3; ++i) {
    model.images[i + 1] = {.name = {}, .translation = {-places[i], 0, 0}, .camera = 1, .keypoints = {}};
  }
  // Turned by 180 degrees about y, at z = 20.
  model.images[4] = {.name = {}, .rotation = {0, 0, 1, 0}, .translation = {0, 0, 20}, .camera = 1, .keypoints = {}};
  for (std::int64_t i = 0; i < 300; ++i) {
    model.points[i + 1].position = {-6 + 0.1 * static_cast<double>(i) + 0.05, 0.1 * static_cast<double>(i % 5), 10};
  }
  return model;
}

}  // namespace

TEST_CASE("views overlap where they share points in view from about the same side") {
  ColmapModel model = wall_model();
  std::vector<std::optional<std::uint32_t>> ids{1, 2, 3, 4, std::nullopt};
  // Of a wall 10 m away each image sees 10 m: 6 m of it are shared by the first two, 1 m by the second and third. The
  // fourth looks at the same points from the other side, and the fifth has no pose.
  CHECK(overlapping_pairs(model, ids, 0.5) == std::vector<ImagePair>{{0, 1}});
  CHECK(overlapping_pairs(model, ids, 0.05) == std::vector<ImagePair>{{0, 1}, {1, 2}});
  CHECK(overlapping_pairs(model, ids, 0.65).empty());
  model.points.clear();
  CHECK(overlapping_pairs(model, ids, 0.5).empty());
}

TEST_CASE("pairs by overlap take the poses of a reconstruction") {
  const Located collection;
  const auto folder = std::filesystem::path(collection.scene.path("model"));
  std::filesystem::create_directory(folder);
  const auto write = [&](const char* name, const std::string& text) { std::ofstream(folder / name) << text; };
  write("cameras.txt", "1 PINHOLE 240 180 240 240 120 90\n");
  // x of the translation is the camera's place, negative.
  const auto poses = [](const std::string& last) {
    std::string text;
    const double places[] = {0, 4, 9, 30};
    for (int i = 0; i < 4; ++i) {
      const std::string name = i == 3 ? last : std::string(1, static_cast<char>('a' + i)) + ".png";
      text += fmt::format("{} 1 0 0 0 {} 0 0 1 {}\n\n", i + 1, -places[i], name);
    }
    return text;
  };
  write("images.txt", poses("d.png"));
  std::string points;
  for (int i = 0; i < 400; ++i) points += fmt::format("{} {} {} 10 0 0 0 0\n", i + 1, -5 + 0.1 * i, (i % 7) * 0.5 - 1);
  write("points3D.txt", points);
  const auto run = [&](const std::string& rule, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--pairs", rule, "--dry-run", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return collection.run(arguments);
  };
  const std::vector<std::string> with_poses{"--poses", folder.string()};
  const auto found = run("overlap:0.3+sequential:1", with_poses);
  INFO(found.err);
  REQUIRE(found.code == 0);
  CHECK_THAT(found.err, Contains("1 of 5 images have no pose") && Contains("\"e.png\""));
  CHECK(found.json()["pairs_by_rule"] == nlohmann::json::parse(R"([{"rule":"overlap:0.3","pairs":2},
                                                                   {"rule":"sequential:1","pairs":4}])"));
  CHECK(found.json()["pairs"] == 4);

  CHECK(run("overlap:0.3", {}).code == 2);
  CHECK(run("exhaustive", with_poses).code == 2);
  CHECK(run("overlap:1.5", with_poses).code == 2);
  CHECK_THAT(run("overlap:0.99", with_poses).err, Contains("no two images overlap so much"));
  CHECK_THAT(run("overlap:0.3", {"--poses", collection.images()}).err, Contains("photo graphs"));
  write("points3D.txt", "");
  CHECK_THAT(run("overlap:0.3", with_poses).err, Contains("no points: nothing says how far away the scene is"));
  write("points3D.txt", points);
  write("images.txt", "1 1 0 0 0 0 0 0 1 other.png\n\n");
  CHECK_THAT(run("overlap:0.3", with_poses).err,
             Contains("none of the 5 images") && Contains("is in this reconstruction"));
}

TEST_CASE("images of given sensors are never matched with each other") {
  const Located collection;
  {
    TestDatabase database(collection.path());
    database.camera(2, 0, kWidth, kHeight, {300, 120, 90}, true);
    database.run("UPDATE images SET camera_id = 2 WHERE image_id >= 6");
  }
  const auto run = [&](const std::string& sensors) {
    return collection.run({"--skip-sensors", sensors, "--dry-run", "--json"});
  };
  const auto skipped = run("2:1");
  INFO(skipped.err);
  REQUIRE(skipped.code == 0);
  CHECK(skipped.json()["pairs"] == 4);  // 3 within a, b, c; d-e
  CHECK_THAT(skipped.err, Contains("6 between the sensors of --skip-sensors are skipped"));
  CHECK(run("2:2").json()["pairs"] == 9);
  CHECK_THAT(run("1:3").err, Contains("--skip-sensors 1:3: no image has camera 3"));
  for (const char* const text : {"1", "1:", ":1", "1:2x", "a:b", "-1:2"}) {
    INFO(text);
    CHECK(run(text).code == 2);
  }
}

TEST_CASE("pairs by position, with other rules, are counted, and images in no pair are named") {
  const Located collection;
  const auto dry = collection.run({"--pairs", "spatial:12", "--dry-run", "--json"});
  INFO(dry.err);
  REQUIRE(dry.code == 0);
  CHECK(dry.json()["pairs"] == 3);
  CHECK_THAT(dry.err,
             Contains("1 of 5 images have no position") && Contains("1 of 5 images are in no pair: \"e.png\""));
  CHECK(dry.json()["degrees"] == nlohmann::json::parse(R"([{"from":0,"to":0,"images":1},{"from":1,"to":1,"images":2},
                                                         {"from":2,"to":2,"images":2}])"));
  const auto text = collection.run({"--pairs", "spatial:12+sequential:1", "--dry-run"});
  CHECK_THAT(text.err, Contains("pairs: 3 by spatial:12") && Contains("pairs: 4 by sequential:1") &&
                           Contains("pairs: 4 in all") && !Contains("in no pair"));
  CHECK_THAT(text.out, Contains("0: 0 images, 1: 2, 2: 3"));
  REQUIRE(collection.run({"--pairs", "spatial:23+sequential:1"}).code == 0);  // 3 + 2 within 23 m, and d-e
  CHECK(matches_of(collection).size() == 6);
}

TEST_CASE("positions that say nothing about distances are refused") {
  const Located collection;
  const auto refused = [&](const std::string& pairs) {
    const auto result = collection.run({"--pairs", pairs});
    CHECK(result.code == 1);
    return result.err;
  };
  CHECK_THAT(refused("spatial:2"), Contains("no two images are so close") && Contains("the least distance is 11."));
  CHECK(collection.run({"--pairs", "spatial:0"}).code == 2);
  CHECK(collection.run({"--pairs", "spatial:nan"}).code == 2);
  CHECK(collection.run({"--pairs", "spatial:5+nothing"}).code == 2);
  set_prior(collection, 5, {10, 20, 30}, 1);
  CHECK_THAT(refused("spatial:12"), Contains("3 pose priors are in WGS84 and 1 in Cartesian"));
  set_prior(collection, 5, {10, 20, 30}, -1);
  CHECK_THAT(refused("spatial:12"), Contains("1 of 4 pose priors have an undefined coordinate system"));
  set_prior(collection, 5, {100, 20, 30}, 0);
  CHECK_THAT(refused("spatial:12"), Contains("pose prior of image 5") && Contains("no place on Earth"));
  TestDatabase(collection.path()).run("UPDATE pose_priors SET position = X'00' WHERE corr_data_id = 5");
  CHECK_THAT(refused("spatial:12"), Contains("1 bytes of position"));
  TestDatabase(collection.path()).run("UPDATE pose_priors SET corr_data_id = 4294967301 WHERE corr_data_id = 5");
  CHECK_THAT(refused("spatial:12"), Contains("4294967301 is no id of an image"));
  TestDatabase(collection.path()).run("DELETE FROM pose_priors");
  CHECK_THAT(refused("spatial:12"), Contains("no image has a pose prior"));
  CHECK_THAT(refused("transitive:1"), Contains("transitive:N goes on from verified pairs"));
  CHECK(run_twinpatch(
            {"export", "openmvg", "--sfm-data", "s.json", "--features-dir", "f", "-o", "m.txt", "--pairs", "spatial:5"})
            .code == 2);
}

TEST_CASE("verified pairs are the beginning of transitive ones") {
  const Located collection;
  REQUIRE(collection.run({"--pairs", "sequential:1", "--verify"}).code == 0);
  const auto next = collection.run({"--pairs", "transitive:1", "--json"});
  INFO(next.err);
  REQUIRE(next.code == 0);
  CHECK(next.json()["pairs"] == 7);
  CHECK(next.json()["changes"]["pairs"] >= 3);
  CHECK(matches_of(collection).size() == 7);
}

TEST_CASE("two images of one frame are not matched, unless the rig's cameras have no known places") {
  const Located collection;
  CHECK_THAT(collection.run({"--skip-same-frame"}).err, Contains("no image is part of a frame"));
  {
    TestDatabase database(collection.path());
    database.run("INSERT INTO rigs VALUES (1, 1, 0)");
    database.run("INSERT INTO rig_sensors VALUES (1, 2, 0, X'00')");
    database.run("INSERT INTO frames VALUES (1, 1), (2, 1)");
    database.run("INSERT INTO frame_data VALUES (1, 3, 1, 0), (1, 4, 2, 0), (2, 5, 1, 0), (2, 6, 2, 0)");
  }
  const auto skipped = collection.run({"--skip-same-frame", "--json"});
  INFO(skipped.err);
  REQUIRE(skipped.code == 0);
  CHECK(skipped.json()["pairs"] == 8);
  CHECK_THAT(skipped.err, Contains("2 within a frame are skipped"));
  CHECK_FALSE(matches_of(collection).contains(key(3, 4)));
  TestDatabase(collection.path()).run("UPDATE rig_sensors SET sensor_from_rig = NULL");
  const auto refused = collection.run({"--skip-same-frame"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("the places of 1 cameras in their rigs are not known (first: camera 2 of rig 1)"));
}

TEST_CASE("similar images may be found by another program's vectors") {
  const Located collection;
  const auto file = collection.scene.path("vectors.npy");
  const auto write = [&](const std::vector<std::vector<float>>& rows) {
    NpyWriter writer(file, NpyType::f32, {std::ssize(rows), std::ssize(rows.front())});
    for (const auto& row : rows) writer.append(std::span<const float>(row));
    writer.finish();
  };
  write({{5, 0}, {0, 0.1F}, {1, 0.01F}, {0.3F, 9}, {0, 0}});  // a-c and b-d, and nobody is like e
  const auto run = [&] {
    return collection.run({"--pairs", "retrieval:1", "--global-descriptors", file, "--dry-run", "--json"});
  };
  const auto result = run();
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.json()["pairs"] == 2);
  CHECK_THAT(result.err, Contains("1 of 5 images are in no pair: \"e.png\""));
  write({{5, 0}, {0, 1}});
  CHECK_THAT(run().err, Contains("expected an array of 5 rows") && Contains("shape [2, 2]"));
  CHECK(collection.run({"--global-descriptors", file}).code == 2);
}
