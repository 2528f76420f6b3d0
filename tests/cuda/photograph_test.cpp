// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <numbers>

#include "collection/collection_support.hpp"
#include "cuda_support.hpp"
#include "simt/simt.hpp"
#include "support/random.hpp"
#include "support/small_networks.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/vision/cut_patches.hpp"

// Photographs to descriptors and matches with patches cut on the device, against the same with patches cut by the host.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr int kSide = kTinyPatch.height;

NetworkSpec square_network() {
  NetworkSpec spec = tiny_siamese(DecisionMetric{DecisionMetric::Kind::l2, true});
  REQUIRE(spec.input == Extent{kSide, kSide});
  return spec;
}

struct Photo {
  Photo(int width, int height, std::int64_t count, std::uint64_t seed) : image(width, height) {
    Random random(seed);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) image.row(y)[x] = static_cast<std::uint8_t>(random.below(256));
    }
    for (std::int64_t i = 0; i < count; ++i) {
      keypoints.push_back({static_cast<float>(random.uniform(0, width)), static_cast<float>(random.uniform(0, height)),
                           static_cast<float>(random.uniform(0.5, 6)), static_cast<float>(random.uniform(-3, 3))});
    }
    cuts = patch_windows(image, keypoints, {.side = kSide});
  }
  [[nodiscard]] PhotographView view() const {
    return {image.row(0), image.width(), image.height(), cuts.windows, cuts.levels, kSide};
  }
  [[nodiscard]] PatchSet patches() const {
    ThreadPool pool(1);
    return cut_patches(image, keypoints, {.side = kSide}, pool);
  }
  GrayImage image;
  std::vector<Keypoint> keypoints;
  PatchWindows cuts;
};

Engine engine_with(Kernels kernels, Precision precision = Precision::fp16) {
  ExecutionOptions options = cuda_options(precision);
  options.kernels = kernels;
  options.batch = 5;
  return {random_model(square_network(), 3), options};
}

/// Photographs of a collection; counts those that were asked for.
class Photos final : public ImageSource {
 public:
  Photos() {
    for (int i = 0; i < 9; ++i) photos_.emplace_back(40 + 3 * i, 50 - i, i == 4 ? 0 : 8 + i, 10 + i / 2);
  }
  std::int64_t size() const override { return std::ssize(photos_); }
  std::string name(std::int64_t image) const override { return std::to_string(image); }
  std::int64_t keypoint_count(std::int64_t image) const override { return std::ssize(at(image).keypoints); }
  std::string content_key(std::int64_t image) const override { return std::to_string(image); }
  std::string patch_settings() const override { return "tiny"; }
  Extent patch_size() const override { return {kSide, kSide}; }
  PatchSet patches(std::int64_t image) const override { return at(image).patches(); }
  std::optional<Photograph> photograph(std::int64_t image) const override {
    ++asked;
    return Photograph{at(image).view(), nullptr};
  }
  mutable std::atomic<int> asked = 0;

 private:
  [[nodiscard]] const Photo& at(std::int64_t image) const { return photos_.at(static_cast<std::size_t>(image)); }
  std::vector<Photo> photos_;
};

}  // namespace

TEST_CASE("descriptors of patches cut on the device are those of patches cut on the host") {
  const simt::Machine machine({});
  Engine engine = engine_with(Kernels::fused);
  REQUIRE(engine.cuts_patches());
  for (const std::int64_t count : {0, 1, 5, 13}) {
    const Photo photo(61, 47, count, 5);
    const PatchSet patches = photo.patches();
    const Matrix expected = engine.describe(patches.view());
    const Matrix got = engine.describe(photo.view());
    REQUIRE(got.rows() == count);
    CHECK(std::ranges::equal(got.span(), expected.span()));
  }
}

TEST_CASE("the device cuts where fused kernels are asked for, and refuses windows outside the image") {
  const simt::Machine machine({});
  const Photo photo(61, 47, 3, 5);
  for (const Kernels kernels : {Kernels::library, Kernels::automatic}) {
    Engine engine = engine_with(kernels);
    CHECK(!engine.cuts_patches());
    CHECK_THROWS_WITH(engine.describe(photo.view()), "the device does not cut patches");
  }
  CHECK(!engine_with(Kernels::library, Precision::fp32).cuts_patches());
  Engine engine = engine_with(Kernels::fused);
  const auto refuses = [&](auto change) {
    Photo wrong(61, 47, 3, 5);
    change(wrong.cuts.windows[1]);
    CHECK_THROWS_WITH(engine.describe(wrong.view()), "window 1 lies outside the levels of an image of 61×47 pixels");
  };
  refuses([&](PatchWindow& window) { window.level = photo.cuts.levels; });
  refuses([](PatchWindow& window) { window.level = -1; });
  refuses([](PatchWindow& window) { window.fine.origin_x = 61; });
  refuses([](PatchWindow& window) { window.coarse.origin_y = 47; });
  PhotographView other = photo.view();
  other.side = kSide + 1;
  CHECK_THROWS_AS(engine.describe(other), ShapeError);
}

TEST_CASE(
    "a collection of photographs whose patches the device cuts gives the bytes of one whose patches the host cuts") {
  const TemporaryFolder folder;
  const PairSelection pairs = PairSelection::exhaustive(9);
  std::map<std::string, std::string> expected;
  for (const bool by_device : {false, true}) {
    const simt::Machine machine({.seed = 2});
    Engine engine = engine_with(Kernels::fused);
    const Photos photos;
    const WrappedSource patches_alone(photos);  // has no photographs
    const ImageSource& source = by_device ? static_cast<const ImageSource&>(photos) : patches_alone;
    const CollectionPlan plan = make_plan(engine, source, pairs, {.tile_keypoints = 40});
    const auto to = folder / (by_device ? "device" : "host");
    const CollectionStatistics run = run_collection({engine, source, pairs, plan}, {to, {}});
    CHECK((photos.asked > 0) == by_device);
    CHECK(run.matches > 0);
    if (by_device) {
      CHECK(block_files(to) == expected);
    } else {
      expected = block_files(to);
    }
  }
}
