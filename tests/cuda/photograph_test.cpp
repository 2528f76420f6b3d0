// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <numbers>

#include "collection/collection_support.hpp"
#include "cuda_support.hpp"
#include "shard_hosts.hpp"
#include "simt/simt.hpp"
#include "simt_calls.hpp"
#include "support/random.hpp"
#include "support/small_networks.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/vision/cut_patches.hpp"

// Photographs to descriptors and matches with patches cut on the device, against the same with patches cut by the host.

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr int kSide = kTinyPatch.height;
constexpr std::int64_t kFlag = 8;  // bytes: the first row or score that is not finite

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
  /// That go to the device.
  [[nodiscard]] std::int64_t bytes() const {
    return std::int64_t{image.width()} * image.height() +
           static_cast<std::int64_t>(std::span(cuts.windows).size_bytes());
  }
  [[nodiscard]] PatchSet patches() const {
    ThreadPool pool(1);
    return cut_patches(image, keypoints, {.side = kSide}, pool);
  }
  GrayImage image;
  std::vector<Keypoint> keypoints;
  PatchWindows cuts;
};

Engine engine_with(Kernels kernels, Precision precision = Precision::fp16, const char* device = "cuda") {
  ExecutionOptions options = cuda_options(precision);
  options.device = device;
  options.kernels = kernels;
  options.batch = 5;
  return {random_model(square_network(), 3), options};
}

/// Photographs of a collection; counts those that were asked for.
class Photos final : public ImageSource {
 public:
  /// `masked`: every third keypoint is.
  explicit Photos(bool masked = false) : masked_(masked) {
    for (int i = 0; i < 9; ++i) photos_.emplace_back(40 + 3 * i, 50 - i, i == 4 ? 0 : 8 + i, 10 + i / 2);
  }
  std::int64_t size() const override { return std::ssize(photos_); }
  std::string name(std::int64_t image) const override { return std::to_string(image); }
  std::int64_t keypoint_count(std::int64_t image) const override { return std::ssize(at(image).keypoints); }
  std::string content_key(std::int64_t image) const override { return std::to_string(image); }
  std::vector<bool> masked_keypoints(std::int64_t image) const override {
    std::vector<bool> masks(masked_ ? at(image).keypoints.size() : 0);
    for (std::size_t i = 0; i < masks.size(); i += 3) masks[i] = true;
    return masks;
  }
  std::string patch_settings() const override { return "tiny"; }
  Extent patch_size() const override { return {kSide, kSide}; }
  PatchSet patches(std::int64_t image) const override { return at(image).patches(); }
  std::optional<Photograph> photograph(std::int64_t image) const override {
    ++asked;
    return Photograph{at(image).view(), nullptr};
  }
  /// Of each image that has any.
  [[nodiscard]] std::vector<std::int64_t> keypoints() const {
    std::vector<std::int64_t> counts;
    for (const Photo& photo : photos_) {
      if (!photo.keypoints.empty()) counts.push_back(std::ssize(photo.keypoints));
    }
    return counts;
  }
  /// Of the photographs that have keypoints.
  [[nodiscard]] std::int64_t bytes() const {
    std::int64_t sum = 0;
    for (const Photo& photo : photos_) sum += photo.keypoints.empty() ? 0 : photo.bytes();
    return sum;
  }
  mutable std::atomic<int> asked = 0;

 private:
  [[nodiscard]] const Photo& at(std::int64_t image) const { return photos_.at(static_cast<std::size_t>(image)); }
  std::vector<Photo> photos_;
  bool masked_;
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

TEST_CASE("rows stay on the device where they are described, and descriptors come to the host once") {
  const simt::Machine machine({});
  Engine engine = engine_with(Kernels::fused);
  const bool by_device = GENERATE(true, false);
  for (const std::int64_t count : {0, 1, 5, 13}) {
    const Photo photo(61, 47, count, 5);
    const PatchSet patches = photo.patches();
    const auto described = [&] {
      return by_device ? engine.describe_rows(photo.view(), Side::right)
                       : engine.describe_rows(patches.view(), Side::right);
    };
    (void)described();  // plans
    DescribedRows got;
    const simt::Statistics calls = calls_of([&] { got = described(); });
    const Matrix expected = engine.describe(patches.view());
    CHECK(std::ranges::equal(got.descriptors.span(), expected.span()));
    REQUIRE(got.rows.size == count);
    const std::int64_t bytes = expected.size() * 4;
    CHECK(calls.bytes_to_host == (count == 0 ? 0 : bytes + kFlag));
    CHECK(calls.bytes_to_device == (count == 0 ? 0 : by_device ? photo.bytes() : count * kSide * kSide));
    if (count == 0) continue;
    // What both make of the same left side.
    const Matrix left = engine.describe(Photo(40, 40, 7, 6).view());
    const GridOptions best{.top_k = 2, .column_best = true};
    const Selected kept = engine.grid(left.view(), got.rows, best);
    const Selected by_host = engine.grid(left.view(), expected.view(), best);
    CHECK(std::ranges::equal(kept.indices.span(), by_host.indices.span()));
    CHECK(std::ranges::equal(kept.scores.span(), by_host.scores.span()));
  }
}

TEST_CASE("two photographs are matched without a patch or a descriptor on the host") {
  const simt::Machine machine({});
  Engine engine = engine_with(Kernels::fused);
  const Photo left(61, 47, 13, 5);
  const Photo right(50, 70, 21, 5);
  const auto matched = [&] {
    const RowChunks rows = engine.rows(left.view(), Side::left);
    return engine.match(rows, engine.rows(right.view(), Side::right), {});
  };
  const std::vector<Match> expected = engine.match(left.patches(), right.patches(), {});
  REQUIRE(!expected.empty());
  (void)matched();
  std::vector<Match> got;
  const simt::Statistics calls = calls_of([&] { got = matched(); });
  CHECK(got == expected);
  CHECK(calls.bytes_to_device == left.bytes() + right.bytes());
  CHECK(calls.bytes_to_host == 3 * kFlag + 8 * (13 + 21));  // the best of rows and of columns
}

TEST_CASE("several devices cut a photograph's patches between them, and rows on the left stay where they are made") {
  const simt::Machine machine({.devices = 3});
  Engine engine = engine_with(Kernels::fused, Precision::fp16, "cuda:0,1,2");
  REQUIRE(engine.cuts_patches());
  for (const std::int64_t count : {0, 1, 2, 13}) {
    const Photo photo(61, 47, count, 5);
    const PatchSet patches = photo.patches();
    const Matrix expected = engine.describe(patches.view());
    CHECK(std::ranges::equal(engine.describe(photo.view()).span(), expected.span()));
    const Matrix other = engine.describe(Photo(40, 40, 7, 6).patches().view());
    for (const Side side : {Side::left, Side::right}) {
      const auto described = [&](bool cut) {
        return cut ? engine.describe_rows(photo.view(), side) : engine.describe_rows(patches.view(), side);
      };
      (void)described(true);  // plans
      DescribedRows cut;
      const simt::Statistics calls = calls_of([&] { cut = described(true); });
      const DescribedRows given = described(false);
      CHECK(std::ranges::equal(cut.descriptors.span(), expected.span()));
      CHECK(std::ranges::equal(given.descriptors.span(), expected.span()));
      if (count == 0) continue;
      // Each device gets the photograph and its own windows; on the right it gets all descriptors as well.
      const std::int64_t share = std::min<std::int64_t>(count, 3);
      const std::int64_t pixels = std::int64_t{photo.image.width()} * photo.image.height();
      const std::int64_t bytes = expected.size() * 4;
      const bool left = side == Side::left;
      CHECK(calls.bytes_to_device == photo.bytes() + (share - 1) * pixels + (left ? 0 : 3 * bytes));
      CHECK(calls.bytes_to_host == bytes + (left ? share : 3) * kFlag);
      const auto kept = [&](const RowChunks& rows) {
        return left ? engine.grid(rows, other.view(), {.top_k = 2}) : engine.grid(other.view(), rows, {.top_k = 2});
      };
      const auto by_host = left ? engine.grid(expected.view(), other.view(), {.top_k = 2})
                                : engine.grid(other.view(), expected.view(), {.top_k = 2});
      for (const Selected& got : {kept(cut.rows), kept(given.rows)}) {
        CHECK(std::ranges::equal(got.indices.span(), by_host.indices.span()));
        CHECK(std::ranges::equal(got.scores.span(), by_host.scores.span()));
      }
    }
  }
}

TEST_CASE("an image of a collection goes to the device once, and what comes back are its descriptors and the matches") {
  const TemporaryFolder folder;
  const simt::Machine machine({.seed = 3});
  Engine engine = engine_with(Kernels::fused);
  const bool masked = GENERATE(false, true);
  const Photos photos(masked);
  const PairSelection pairs = PairSelection::exhaustive(9);
  const CollectionPlan plan = make_plan(engine, photos, pairs, {.tile_keypoints = 1000});
  const auto run_in = [&](const char* name) {
    return run_collection({engine, photos, pairs, plan}, {folder / name, {}});
  };
  (void)run_in("warm");
  const simt::Statistics trial = calls_of([&] { (void)this_host({engine, photos, pairs, plan}); });
  CollectionStatistics run;
  const simt::Statistics calls = calls_of([&] { run = run_in("run"); });
  const std::vector<std::int64_t> images = photos.keypoints();  // one block: each image with all that follow
  const std::int64_t row = engine.descriptor_size() * 4;
  std::int64_t keypoints = 0;
  std::int64_t to_device = photos.bytes();
  std::int64_t to_host = 0;
  const auto matched = [&](std::size_t i) { return images[i] - (masked ? (images[i] + 2) / 3 : 0); };
  for (std::size_t i = 0; i < images.size(); ++i) {
    keypoints += images[i];
    const auto rights = std::ssize(images) - static_cast<std::int64_t>(i) - 1;
    to_host += images[i] * row;
    // Its other side, from what the disk gets; of masked images either side.
    to_device += ((i > 0 ? 1 : 0) + (rights > 0 ? 1 : 0) - (masked ? 0 : 1)) * matched(i) * row;
    if (rights == 0) continue;
    to_host += 2 * kFlag;                           // its rows on the left and those of one on the right
    if (rights > 1) to_device += (rights + 1) * 8;  // where segments begin
    to_host += rights * matched(i) * 8 + kFlag;     // its best in each segment
    for (std::size_t j = i + 1; j < images.size(); ++j) to_host += matched(j) * 8;  // and of columns
  }
  CHECK(run.described == keypoints);
  CHECK(calls.bytes_to_device - trial.bytes_to_device == to_device);
  CHECK(calls.bytes_to_host - trial.bytes_to_host == to_host);
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
  CHECK(engine_with(Kernels::fused, Precision::fp32).cuts_patches());
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
