// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "losses.hpp"
// libtorch's logging defines a CHECK of its own.
#undef CHECK

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "sampler.hpp"
#include "tiny_network.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/net/patch_extent.hpp"
#include "twinpatch/train/augment.hpp"
#include "twinpatch/train/training_set.hpp"
#include "twinpatch/vision/image.hpp"

namespace {

using namespace twinpatch;
using Catch::Contains;
using test::TemporaryFolder;

std::vector<std::uint8_t> changed(const std::vector<std::uint8_t>& patch, int height, int width, PatchChange change) {
  std::vector<std::uint8_t> result(patch.size());
  change_patch(patch.data(), result.data(), height, width, change);
  return result;
}

TEST_CASE("turns and mirror images are exact", "[train]") {
  const auto patch = test::structured_patches(1, 64, 64, 4);
  PatchChange turn;
  turn.symmetry.turns = 1;
  const auto once = changed(patch, 64, 64, turn);
  CHECK(once != patch);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x)
      REQUIRE(once[static_cast<std::size_t>(y * 64 + x)] == patch[static_cast<std::size_t>(x * 64 + (63 - y))]);
  auto four = once;
  for (int i = 0; i < 3; ++i) four = changed(four, 64, 64, turn);
  CHECK(four == patch);
  PatchChange mirror;
  mirror.symmetry.mirror = true;
  const auto mirrored = changed(patch, 64, 64, mirror);
  for (int x = 0; x < 64; ++x)
    REQUIRE(mirrored[static_cast<std::size_t>(x)] == patch[static_cast<std::size_t>(63 - x)]);
  // The eight symmetries differ from each other.
  std::set<std::string> all;
  for (int turns = 0; turns < 4; ++turns)
    for (const bool flip : {false, true}) {
      PatchChange change;
      change.symmetry = {turns, flip};
      const auto result = changed(patch, 64, 64, change);
      all.insert(std::string(result.begin(), result.end()));
    }
  CHECK(all.size() == 8);
}

TEST_CASE("small changes of a patch do what they say, at any size", "[train]") {
  for (const auto& [height, width] : std::vector<std::pair<int, int>>{{1, 1}, {5, 7}, {64, 64}, {2, 31}}) {
    const auto patch = test::structured_patches(1, height, width, 7);
    CHECK(changed(patch, height, width, {}) == patch);
    PatchChange far;
    far.shift_x = 1000;
    far.shift_y = -1000;
    far.angle = 1;
    far.scale = 3;
    far.blur = true;
    far.gain = 50;
    far.symmetry.turns = 1;
    CHECK(changed(patch, height, width, far).size() == patch.size());  // no access outside (sanitizers)
  }
  const auto patch = test::structured_patches(1, 16, 16, 8);
  PatchChange shift;
  shift.shift_x = 2;
  shift.shift_y = -1;
  const auto moved = changed(patch, 16, 16, shift);
  CHECK(moved[5 * 16 + 5] == patch[4 * 16 + 7]);
  CHECK(moved[0] == patch[1 * 16 + 2]);  // row −1 is row 1 mirrored
  PatchChange light;
  light.offset = 40;
  const auto brighter = changed(patch, 16, 16, light);
  for (std::size_t i = 0; i < patch.size(); ++i) REQUIRE(brighter[i] == std::min(255, patch[i] + 40));
}

TEST_CASE("sheets are decoded once and mapped", "[train]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "scene");
  const auto pixels = test::structured_patches(1, 1024, 1024, 3);
  for (const char* name : {"scene/patches0000.png", "scene/patches0001.png"}) {
    GrayImage sheet(1024, 1024);
    std::copy(pixels.begin(), pixels.end(), sheet.row(0));
    write_image(folder / name, sheet);
  }
  std::string info;
  for (int i = 0; i < 300; ++i) info += std::to_string(i / 2) + " 0\n";
  folder.file("scene/info.txt", info + "9999 0\n");
  const Scene scene(folder / "scene", folder / "cache");
  CHECK(scene.patches().count == 301);
  CHECK(scene.groups() == 150);
  CHECK(scene.single_points() == 1);
  CHECK(scene.name() == "scene");
  for (int y : {0, 63})
    for (int x : {0, 17, 63})
      CHECK(scene.patch(17)[y * 64 + x] == pixels[static_cast<std::size_t>((64 + y) * 1024 + 64 + x)]);
  CHECK(scene.patch(256)[0] == pixels[0]);
  const auto cached = [&] {
    return std::distance(std::filesystem::directory_iterator(folder / "cache"), std::filesystem::directory_iterator());
  };
  CHECK(cached() == 1);
  const Scene again(folder / "scene", folder / "cache");
  CHECK(cached() == 1);

  for (int i = 0; i < 300; ++i) info += "1 0\n";
  folder.file("scene/info.txt", info);
  CHECK_THROWS_WITH(Scene(folder / "scene", folder / "cache"), Contains("600 lines") && Contains("512 patches"));
  write_image(folder / "scene/patches0002.png", GrayImage(10, 10));
  CHECK_THROWS_WITH(Scene(folder / "scene", folder / "cache"), Contains("10 by 10") && Contains("patches0002.png"));
}

void write_strips(const TemporaryFolder& folder, const std::string& name, int sequences, int rows) {
  for (int sequence = 0; sequence < sequences; ++sequence) {
    const auto path = folder / name / ("v_" + std::to_string(sequence));
    std::filesystem::create_directories(path);
    for (const char* strip : {"ref", "e1", "t1"}) {
      GrayImage image(65, 65 * rows);
      for (int row = 0; row < rows; ++row) {
        const auto pixels = test::structured_patches(1, 65, 65, static_cast<std::uint64_t>(100 * sequence + row));
        for (int y = 0; y < 65; ++y) std::copy_n(pixels.data() + y * 65, 65, image.row(65 * row + y));
      }
      write_image(path / (std::string(strip) + ".png"), image);
    }
  }
}

TEST_CASE("HPatches sequences are scenes: rows are points, strips are images", "[train]") {
  const TemporaryFolder folder;
  write_strips(folder, "hp", 2, 5);
  for (int time = 0; time < 2; ++time) {  // decoded, then from the cache
    const Scene scene(folder / "hp", folder / "cache");
    CHECK(scene.name() == "hp");
    CHECK(scene.patches().count == 2 * 3 * 5);
    CHECK(scene.patches().height == 64);
    REQUIRE(scene.groups() == 10);
    CHECK(scene.group(7).size() == 3);
    CHECK(scene.points()[0] == scene.points()[5]);
    CHECK(scene.points()[0] != scene.points()[15]);
    CHECK(scene.image_of(0) == scene.image_of(4));
    CHECK(scene.image_of(0) != scene.image_of(5));
    CHECK(scene.sightings(scene.image_of(0)).size() == 5);
    CHECK(std::equal(scene.patch(2), scene.patch(2) + 4096, scene.patch(7)));  // strips of one sequence are alike here
    CHECK_FALSE(std::equal(scene.patch(2), scene.patch(2) + 4096, scene.patch(3)));
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder / "cache"), std::filesystem::directory_iterator()) ==
        1);
}

TEST_CASE("a folder without a list is validated on pairs drawn from its points", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, test::tiny_spec(Coupling::siamese, DecisionMetric{}), 1);
  std::filesystem::remove(folder / "ripples/m50_40_40_0.txt");
  TrainObserver nobody;
  const auto result = train_network(options, nobody);
  REQUIRE(result.history.back().scenes.size() == 1);
  CHECK(result.history.back().scenes[0].fpr95 < 1);
  CHECK(result.history.back().scenes[0].auc > 0.6);  // noisy views of smooth patterns: even random weights see that
  const auto alone = test::write_scene(folder, "alone", 1, 3, 4);
  std::filesystem::remove(alone / "m50_1_1_0.txt");
  options.validation = {alone};
  CHECK_THROWS_WITH(train_network(options, nobody), Contains("no negatives"));
}

TEST_CASE("the window of a dataset goes into the model, where all datasets agree", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, test::tiny_spec(Coupling::siamese, DecisionMetric{}), 1);
  const auto second = test::write_scene(folder, "second", 10, 2, 3);
  options.datasets.push_back(second);
  TrainObserver nobody;
  const auto extent = [&] { return patch_extent(train_network(options, nobody).model); };
  CHECK_FALSE(extent());  // no manifest
  folder.file("waves/manifest.json", R"({"options": {"patch_extent": 16.5}})");
  CHECK(extent() == 16.5F);
  options.windows = {10, 12};
  CHECK_FALSE(extent());
  options.patch_extent = 11;
  CHECK(extent() == 11.0F);
  options.windows = {};
  CHECK(extent() == 11.0F);
  options.patch_extent = 0;
  folder.file("second/manifest.json", R"({"options": {"patch_extent": 12}})");
  CHECK_FALSE(extent());
  folder.file("second/manifest.json", R"({"options": {"patch_extent": 16.5}})");
  CHECK(extent() == 16.5F);
  for (const char* bad : {"", "[]", R"({"options": 3})", R"({"options": {"patch_extent": "wide"}})",
                          R"({"options": {"patch_extent": -1}})"}) {
    folder.file("second/manifest.json", bad);
    CHECK_THROWS_WITH(Scene(second, folder / "cache"), Contains("manifest.json"));
  }
}

TEST_CASE("data that cannot teach is refused", "[train]") {
  const TemporaryFolder folder;
  const auto lonely = test::write_scene(folder, "lonely", 5, 1, 3);
  CHECK_THROWS_WITH(Scene(lonely, folder / "cache"), Contains("no positives") && Contains("lonely"));
  CHECK_THROWS_WITH(Scene(folder / "nowhere", folder / "cache"), Contains("nowhere"));
  const auto good = test::write_scene(folder, "good", 5, 2, 3);
  const Scene scene(good, folder / "cache");
  CHECK(read_scene_pairs(scene).pairs.size() == 10);

  const auto refused = [&](const std::string& list, const char* words) {
    folder.file("good/m50_5_5_0.txt", list);
    CHECK_THROWS_WITH(read_scene_pairs(scene), Contains(words) && Contains("m50_5_5_0.txt"));
  };
  refused("0 0 0 1 0 0\n0 0 0 2 0 0\n", "line 2: labels contradict");
  refused("0 0 0 1 0 0\n1 0 0 0 5 0\n", "labels contradict");
  refused("0 0 0 1 0 0\n", "no negatives");
  refused("0 0 0 2 1 0\n", "no positives");
  refused("0 0 0 99 0 0\n", "99");
  folder.file("good/info.txt", "0 0\n0 0\n");
  CHECK_THROWS_WITH(Scene(good, folder / "cache"), Contains("patches.npy"));
}

TEST_CASE("one scene with one point has no negatives", "[train]") {
  const TemporaryFolder folder;
  TrainOptions options = test::tiny_options(folder, test::tiny_spec(Coupling::siamese, test::tiny_layers(32)), 2);
  options.datasets = {test::write_scene(folder, "single", 1, 4, 3)};
  TrainObserver nobody;
  CHECK_THROWS_WITH(train_network(options, nobody), Contains("no negatives"));
}

TEST_CASE("a batch depends on its number alone and mixes scenes", "[train]") {
  const TemporaryFolder folder;
  const auto a = std::make_shared<const Scene>(test::write_scene(folder, "a", 50, 3, 1), folder / "cache");
  const auto b = std::make_shared<const Scene>(test::write_scene(folder, "b", 30, 3, 2), folder / "cache");
  TrainOptions options;
  options.batch = 24;
  const train::Sampler sampler({a, b}, options);
  const auto first = sampler.batch(7);
  (void)sampler.batch(8);
  const auto again = sampler.batch(7);
  CHECK(first.pixels == again.pixels);
  CHECK(first.point == again.point);
  CHECK(sampler.batch(8).pixels != first.pixels);
  CHECK(std::set<std::int32_t>(first.scene.begin(), first.scene.end()).size() == 2);
  std::set<std::pair<std::int32_t, std::int64_t>> points;
  for (std::size_t i = 0; i < 24; ++i) {
    CHECK(first.point[i] == first.point[24 + i]);
    points.emplace(first.scene[i], first.point[i]);
    for (std::size_t j = 0; j < 24; ++j) CHECK(first.excluded[i * 24 + j] == (i == j ? 1 : 0));
  }
  CHECK(points.size() == 24);  // each point once
  options.batch = 500;         // more than there are points
  CHECK(train::Sampler({a, b}, options).batch(0).count == 80);
}

TEST_CASE("a range of windows is two numbers in order", "[train]") {
  CHECK(parse_window_range("10:24") == WindowRange{10, 24});
  CHECK(parse_window_range("12.5:12.5") == WindowRange{12.5, 12.5});
  for (const char* bad :
       {"", "10", "10:", ":24", "24:10", "0:24", "10:24:", "10:24 ", "-1:5", "10:inf", "nan:24", "a:b"})
    CHECK_THROWS_WITH(parse_window_range(bad), Contains("no range of windows"));
}

/// Columns of a patch as its pixels tell them, for patches whose grey level is 4 × the column: the step from one pixel
/// to the next is what share of a stored patch is seen.
double share_seen(const train::PatchBatch& batch, std::size_t patch) {
  const auto* row = batch.pixels.data() + (patch * 64 + 32) * 64;
  return (row[48] - row[16]) / (4.0 * 32);
}

TEST_CASE("windows are chosen from a range, alike for both patches and never wider than the dataset", "[train]") {
  const TemporaryFolder folder;
  const auto path = folder / "ramp";
  std::filesystem::create_directories(path);
  constexpr int kPatches = 80;
  std::vector<std::uint8_t> pixels;
  std::string info;
  for (int patch = 0; patch < kPatches; ++patch) {
    for (int i = 0; i < 64 * 64; ++i) pixels.push_back(static_cast<std::uint8_t>(4 * (i % 64)));
    info += std::to_string(patch / 2) + " 0\n";
  }
  write_npy<std::uint8_t>(path / "patches.npy", pixels, {kPatches, 64, 64});
  folder.file("ramp/info.txt", info);
  TrainOptions options;
  options.batch = kPatches / 2;
  options.augmentation = {false, false, 0, 0, 0, 0, 0};
  options.windows = {10, 30};
  const auto batch = [&] {
    return train::Sampler({std::make_shared<const Scene>(path, folder / "cache")}, options).batch(0);
  };
  const auto as_stored = batch();
  for (std::size_t i = 0; i < kPatches; ++i) CHECK(share_seen(as_stored, i) == 1);  // no manifest: not known how wide
  folder.file("ramp/manifest.json", R"({"options": {"patch_extent": 24}})");
  const auto chosen = batch();
  double least = 1, most = 0;
  for (std::size_t i = 0; i < kPatches / 2; ++i) {
    const double share = share_seen(chosen, i);
    CHECK(share == share_seen(chosen, i + kPatches / 2));
    least = std::min(least, share);
    most = std::max(most, share);
  }
  const double rounding = 1.0 / 128;  // of two grey levels
  CHECK(least >= 10.0 / 24 - rounding);
  CHECK(least < 12.0 / 24);
  CHECK(most <= 1);
  CHECK(most > 20.0 / 24);
  options.windows = {30, 40};  // more than there is
  const auto widest = batch();
  for (std::size_t i = 0; i < kPatches; ++i) CHECK(share_seen(widest, i) == 1);
}

TEST_CASE("overlapping places of one image are no negatives", "[train]") {
  const TemporaryFolder folder;
  const auto path = test::write_scene(folder, "near", 3, 2, 5);
  folder.file("near/interest.txt", "0 10 10 0 2\n1 50 50 0 2\n0 12 11 0 2\n1 90 50 0 2\n0 12 11 0 9\n2 0 0 0 1\n");
  const Scene scene(path, folder / "cache");
  CHECK(scene.overlapping(0, 2));
  CHECK_FALSE(scene.overlapping(0, 1));  // another image
  CHECK_FALSE(scene.overlapping(1, 3));  // another place
  CHECK_FALSE(scene.overlapping(0, 4));  // another size
}

TEST_CASE("a batch can come from one pair of images", "[train]") {
  const TemporaryFolder folder;
  const auto path = test::write_scene(folder, "pairs", 6, 2, 5);
  std::string interest;  // points 0…2 in images 10 and 11, points 3…5 in images 20 and 21
  for (int patch = 0; patch < 12; ++patch)
    interest += std::to_string((patch < 6 ? 10 : 20) + patch % 2) + " " + std::to_string(100 * patch) + " 0 0 1\n";
  folder.file("pairs/interest.txt", interest);
  const auto scene = std::make_shared<const Scene>(path, folder / "cache");
  CHECK(scene->image_of(0) != scene->image_of(1));
  CHECK(scene->image_of(0) == scene->image_of(2));
  CHECK(scene->sightings(scene->image_of(6)).size() == 3);
  TrainOptions options;
  options.batch = 3;
  options.same_scene = 1;
  options.same_images = 1;
  const train::Sampler sampler({scene}, options);
  for (std::int64_t step = 0; step < 20; ++step) {
    const auto batch = sampler.batch(step);
    const std::set<std::int64_t> points(batch.point.begin(), batch.point.end());
    CHECK((points == std::set<std::int64_t>{0, 1, 2} || points == std::set<std::int64_t>{3, 4, 5}));
  }
  options.batch = 6;  // more than two images have in common: the others follow
  CHECK(train::Sampler({scene}, options).batch(0).count == 6);
}

TEST_CASE("the softmax loss is its formula on the batch's own vectors", "[train]") {
  const TemporaryFolder folder;
  const auto scene = std::make_shared<const Scene>(test::write_scene(folder, "a", 20, 2, 1), folder / "cache");
  TrainOptions options;
  options.batch = 7;
  options.loss = LossKind::softmax;
  options.temperature = 0.2;
  options.leave_out = 0;
  const auto batch = train::Sampler({scene}, options).batch(3);
  const Model model = random_model(test::tiny_spec(Coupling::siamese, DecisionMetric{}), 4);
  const train::TorchNetwork net(model, at::kCPU);
  const auto patches = at::from_blob(const_cast<std::uint8_t*>(batch.pixels.data()), {14, 16, 16}, at::kByte);
  const auto vectors = net.vectors(net.normalise(patches), train::Side::left).detach().to(at::kDouble);
  const auto unit = vectors / vectors.norm(2, 1, true);
  const auto cosines = unit.narrow(0, 0, 7).matmul(unit.narrow(0, 7, 7).t());
  double expected = 0;
  for (std::int64_t i = 0; i < 7; ++i) {
    const double row = at::exp(cosines[i] / 0.2).sum().item<double>();
    const double column = at::exp(cosines.select(1, i) / 0.2).sum().item<double>();
    expected += (0.5 * (std::log(row) + std::log(column)) - cosines[i][i].item<double>() / 0.2) / 7;
  }
  CHECK(train::batch_loss(net, options, batch).item<double>() == Approx(expected).epsilon(1e-4));
}

TEST_CASE("hard negatives are the highest scores that may count, without the top of the own scene", "[train]") {
  train::PatchBatch batch;
  batch.count = 4;
  batch.scene = {0, 0, 0, 1};
  batch.excluded = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1};
  auto scores = at::arange(16, at::kFloat).reshape({4, 4});
  auto pairs = train::hard_negatives(scores, batch, 1, 0);
  CHECK(pairs.rows == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(pairs.columns == std::vector<std::int64_t>{3, 3, 1, 1});
  scores = scores.flip({1}).contiguous();
  pairs = train::hard_negatives(scores, batch, 1, 0.5);
  CHECK(pairs.columns == std::vector<std::int64_t>{2, 2, 1, 0});  // each row passes over the best of its own scene
  pairs = train::hard_negatives(scores, batch, 9, 0);
  CHECK(pairs.rows.size() == 10);
}

}  // namespace
