// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dataset_support.hpp"
#include "plane_scene.hpp"
#include "reprojection.hpp"
#include "sequence.hpp"
#include "support/message.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/dataset/sources.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

namespace fs = std::filesystem;

DatasetSummary make(const ColmapDatasetOptions& options) {
  ThreadPool pool(2);
  return dataset_from_colmap(options, pool, {});
}

std::string refusal(const ColmapDatasetOptions& options) {
  auto message = message_of<Error>([&] { make(options); });
  CHECK_FALSE(fs::exists(options.dataset.folder));
  CHECK_FALSE(fs::exists(options.dataset.folder.string() + ".tmp"));
  return message;
}

}  // namespace

TEST_CASE("tracks of a reconstruction become a dataset whose points show one thing") {
  const PlaneScene scene;
  auto options = scene.options();
  options.reproject = false;
  const auto summary = make(options);
  CHECK(summary.images == 4);
  CHECK(summary.points > 40);
  const Likeness like = likeness(read_dataset(scene.folder / "set"));
  CAPTURE(like.same, like.other);
  CHECK(like.same > 0.9);
  CHECK(like.other < 0.3);
  CHECK(scene.manifest()["source"]["counts"]["reprojected_patches"] == 0);
}

TEST_CASE("points are carried to an image in which they were not found") {
  const PlaneScene scene(3);  // the fourth image has no keypoint at all, so nothing is known about it there …
  CHECK(make(scene.options()).patches > 0);
  CHECK(scene.manifest()["source"]["counts"]["reprojected_patches"] == 0);

  // … but where it sees some points, the others follow.
  const PlaneScene full;
  std::string tracks;
  std::istringstream lines(file_contents(full.folder.path()).at("tracks.txt"));
  int number = 0;
  for (std::string line; std::getline(lines, line); ++number) {
    const auto fourth = line.rfind(" 4 ");
    if (number % 3 == 0 && fourth != std::string::npos) {
      // Without its last sighting.
      std::istringstream fields(line);
      std::vector<std::string> words;
      for (std::string word; fields >> word;) words.push_back(word);
      if (words.size() > 16 && words[words.size() - 5] == "4") {
        words.resize(words.size() - 5);
        words[5] = std::to_string(std::stoi(words[5]) - 1);
        line = fmt::format("{}", fmt::join(words, " "));
      }
    }
    tracks += line + "\n";
  }
  write_text(full.folder / "tracks.txt", tracks);
  auto options = full.options();
  options.min_neighbours = 2;
  options.noise = {.position = 0, .scale = 0, .angle = 0, .use_detected = 0};
  make(options);
  const auto counts = full.manifest()["source"]["counts"];
  CAPTURE(counts.dump());
  CHECK(counts["reprojected_patches"] > 5);
  const Likeness like = likeness(read_dataset(full.folder / "set"));
  CAPTURE(like.same, like.other);
  CHECK(like.same > 0.9);
}

TEST_CASE("without a tracks file keypoints are detected again") {
  const PlaneScene scene;
  auto options = scene.options();
  options.tracks.clear();
  const auto summary = make(options);
  CHECK(summary.points > 20);
  const Likeness like = likeness(read_dataset(scene.folder / "set"));
  CAPTURE(like.same, like.other);
  CHECK(like.same > 0.7);
  CHECK(scene.manifest()["source"]["keypoints"] == "detected again");
}

TEST_CASE("a point behind other points is not carried over, nor one seen from too far aside") {
  ColmapModel model;
  parse_cameras_text("1 SIMPLE_PINHOLE 1000 1000 1000 500 500\n", "cameras.txt", model);
  // Image 2 stands a little to the right of image 1, image 3 far to the right, turned towards the middle.
  const double turn = 1.0;
  parse_images_text(fmt::format("1 1 0 0 0 0 0 0 1 a.png\n\n2 1 0 0 0 -0.5 0 0 1 b.png\n\n"
                                "3 {} 0 {} 0 {} 0 {} 1 c.png\n\n",
                                std::cos(turn / 2), std::sin(turn / 2), -6 * std::sin(turn), 6 - 6 * std::cos(turn)),
                    "images.txt", model);
  const auto points_at = [&](double depth_of_others) {
    std::vector<SeenPoint> points;
    const auto add = [&](double x, double y, double depth, bool in_second) {
      SeenPoint point{static_cast<std::int64_t>(points.size()), {x, y, depth}, 0.1, {}};
      for (const auto& [id, image] : model.images) {
        if (id == 2 && !in_second) continue;
        if (id == 3 && !in_second) continue;
        const auto place = project(model.cameras.at(1), to_camera(image, point.position));
        REQUIRE(place);
        point.sightings.push_back(
            {id,
             {.x = static_cast<float>((*place)[0]), .y = static_cast<float>((*place)[1]), .sigma = 3, .angle = 0.4F}});
      }
      points.push_back(std::move(point));
    };
    add(0, 0, 6, false);
    for (int i = 0; i < 36; ++i) {
      // About the place where image 2 sees the point, at another depth.
      const double scale = depth_of_others / 6;
      add((-0.5 + 0.1 * (i % 6 - 2.5) * 0.7) * scale + 0.5, (0.1 * (i / 6 - 2.5) * 0.7) * scale, depth_of_others, true);
    }
    return points;
  };
  ColmapDatasetOptions options;
  const auto same_depth = points_at(6);
  const auto found = dataset::Reprojection(model, same_depth, options).candidates(0);
  REQUIRE(found.size() == 1);
  CHECK(found[0].image == 2);
  CHECK(found[0].keypoint.x == Approx(500 - 500.0 / 6).margin(1e-2));
  CHECK(found[0].keypoint.y == Approx(500).margin(1e-2));
  CHECK(found[0].keypoint.sigma == Approx(3).epsilon(0.05));
  CHECK(found[0].keypoint.angle == Approx(0.4).margin(0.05));
  // Something stands before it.
  CHECK(dataset::Reprojection(model, points_at(4), options).candidates(0).empty());
}

TEST_CASE("photographs that are missing or of another size are named") {
  const PlaneScene scene;
  fs::rename(scene.folder / "images" / "view 2.png", scene.folder / "elsewhere.png");
  CHECK(refusal(scene.options()).find("1 of the model's 4 photographs are missing, the first is view 2.png") !=
        std::string::npos);
  write_image(scene.folder / "images" / "view 2.png", textured_image(160, 130, 3));
  CHECK(refusal(scene.options()).find("view 2.png: is 160x130 pixels, the model was made from 320x260") !=
        std::string::npos);
  write_text(scene.folder / "images" / "view 2.png", "not an image");
  CHECK(refusal(scene.options()).find("view 2.png") != std::string::npos);
  auto options = scene.options();
  options.images = scene.folder / "nowhere";
  CHECK(refusal(options).find("is not a folder of photographs") != std::string::npos);
  options = scene.options();
  options.affine = true;
  CHECK(refusal(options).find("--affine: needs --database") != std::string::npos);
  options = scene.options();
  options.tracks = scene.folder / "nowhere.txt";
  CHECK(refusal(options).find("nowhere.txt") != std::string::npos);
}

TEST_CASE("a model without points, or with bad ones only, has cannot make pairs") {
  const PlaneScene scene;
  auto options = scene.options();
  write_text(scene.folder / "tracks.txt", "# none\n");
  CHECK(refusal(options).find("cannot make pairs") != std::string::npos);
  write_text(scene.folder / "sparse" / "images.txt", "");
  write_text(scene.folder / "sparse" / "points3D.txt", "");
  CHECK(refusal(options).find("the model has no images") != std::string::npos);
}

TEST_CASE("options of reconstructions out of range are named") {
  const PlaneScene scene;
  const auto refused = [&](auto change) {
    auto options = scene.options();
    change(options);
    return refusal(options);
  };
  CHECK(refused([](auto& o) { o.min_track = 1; }) == "--min-track: must be at least 2");
  CHECK(refused([](auto& o) { o.max_view_angle = 120; }) == "--max-view-angle: must be in (0, 90)");
  CHECK(refused([](auto& o) { o.depth_tolerance = 0; }) == "--depth-tolerance: must be positive");
  CHECK(refused([](auto& o) { o.database = "x.db"; }) == "--database and --tracks: give one of the two");
}

TEST_CASE("a real reconstruction becomes a dataset") {
  const auto data = real_data("sceaux_castle");
  if (data.empty()) {
    WARN("skipped: no real data (TWINPATCH_DATA_DIR)");
    return;
  }
  const TemporaryFolder folder;
  ColmapDatasetOptions options;
  options.dataset = quick_options(folder / "set");
  options.model = data / "sparse";
  options.images = data / "images";
  options.tracks = data / "tracks.txt";
  options.min_track = 6;  // a part is enough
  options.max_reprojected = 2;
  const auto summary = make(options);
  CHECK(summary.points > 500);
  const Likeness like = likeness(read_dataset(folder / "set"));
  CAPTURE(like.same, like.other);
  CHECK(like.same > 0.7);
  CHECK(like.other < 0.3);
}
