// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/feature_image_source.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "support/message.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

GrayImage noise(int width, int height, std::uint64_t seed) {
  Random random(seed);
  GrayImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) image.row(y)[x] = static_cast<std::uint8_t>(random.below(256));
  }
  return image;
}

/// Two photographs with keypoints that a test may change.
struct Fixture {
  Fixture() {
    std::filesystem::create_directory(folder / "sub");
    write_image(folder / "a b.png", noise(90, 70, Catch::rngSeed()));
    write_image(folder / "sub/é.png", noise(60, 80, Catch::rngSeed() + 1));
    Random random(Catch::rngSeed());
    for (const auto& [width, height, count] : {std::tuple{90, 70, 9}, {60, 80, 0}}) {
      keypoints.emplace_back();
      for (int i = 0; i < count; ++i) {
        keypoints.back().push_back({.x = static_cast<float>(random.uniform(0, width)),
                                    .y = static_cast<float>(random.uniform(0, height)),
                                    .sigma = static_cast<float>(random.uniform(1, 5)),
                                    .angle = static_cast<float>(random.uniform(-3, 3))});
      }
    }
  }
  [[nodiscard]] FeatureImageSource source(int width = 90, const CutOptions& cut = {}) const {
    return FeatureImageSource(
        folder.path(), {{"a b.png", 9, width, 70}, {"sub/é.png", 0, 0, 0}},
        [this](std::int64_t image) { return keypoints[static_cast<std::size_t>(image)]; }, cut, 1);
  }

  TemporaryFolder folder;
  std::vector<std::vector<Keypoint>> keypoints;
};

}  // namespace

TEST_CASE("patches of a collection are those that are cut around its keypoints") {
  const Fixture fixture;
  const CutOptions cut{.side = 32, .extent = 9, .upright = true};
  const auto source = fixture.source(90, cut);
  CHECK(source.size() == 2);
  CHECK(source.name(1) == "sub/é.png");
  CHECK(source.keypoint_count(0) == 9);
  CHECK(source.patch_size().width == 32);
  ThreadPool pool(1);
  const PatchSet expected = cut_patches(read_image(fixture.folder / "a b.png"), fixture.keypoints[0], cut, pool);
  const PatchSet patches = source.patches(0);
  REQUIRE(patches.size() == 9);
  CHECK(std::memcmp(patches.view().pixels, expected.view().pixels, 9 * 32 * 32) == 0);
  CHECK(source.patches(1).size() == 0);
  CHECK(source.patch_settings() != fixture.source().patch_settings());
}

TEST_CASE("the key of an image changes with its pixels and its keypoints") {
  Fixture fixture;
  const auto source = fixture.source();
  const auto before = source.content_key(0);
  CHECK(before == source.content_key(0));
  CHECK(before != source.content_key(1));
  fixture.keypoints[0][3].response = 5;  // no patch depends on it
  CHECK(before == source.content_key(0));
  fixture.keypoints[0][3].angle += 0.1F;
  CHECK(before != source.content_key(0));
  fixture.keypoints[0][3].angle = 0;
  const auto changed = source.content_key(0);
  write_image(fixture.folder / "a b.png", noise(90, 70, Catch::rngSeed() + 2));
  CHECK(changed != source.content_key(0));
}

TEST_CASE("shapes count where windows are cut by them, and bad ones are refused before anything is compared") {
  Fixture fixture;
  const auto plain = fixture.source();
  const auto affine = fixture.source(90, {.affine = true});
  const auto key = plain.content_key(0);
  CHECK_THROWS_WITH(affine.content_key(0), Contains("a b.png: keypoint 0 has no affine shape"));
  for (Keypoint& k : fixture.keypoints[0]) {
    k.shape = AffineShape{k.sigma, 0, 0, 2 * k.sigma};
  }
  CHECK(plain.content_key(0) == key);  // nothing of it depends on shapes
  CHECK(plain.patch_settings() == "side 64, extent 12");
  CHECK(affine.patch_settings() == "side 64, extent 12, affine");
  const auto before = affine.content_key(0);
  CHECK(before != key);
  fixture.keypoints[0][7].shape->a12 = 0.25F;
  CHECK(before != affine.content_key(0));
  CHECK(plain.content_key(0) == key);
  ThreadPool pool(1);
  const CutOptions cut{.affine = true};
  const PatchSet expected = cut_patches(read_image(fixture.folder / "a b.png"), fixture.keypoints[0], cut, pool);
  CHECK(std::memcmp(affine.patches(0).view().pixels, expected.view().pixels, 9 * 64 * 64) == 0);
  fixture.keypoints[0][7].shape->a22 *= -1;
  CHECK_THROWS_WITH(affine.content_key(0), Contains("a b.png: keypoint 7") && Contains("mirrored"));
}

TEST_CASE("photographs and keypoints that do not fit are refused by name") {
  Fixture fixture;
  const auto refused = [](const FeatureImageSource& source) {
    return message_of<Error>([&] { (void)source.patches(0); });
  };
  CHECK_THAT(refused(fixture.source(91)), Contains("a b.png has 90x70 pixels") && Contains("found in 91x70"));
  const Keypoint good = fixture.keypoints[0][4];
  fixture.keypoints[0][4].x = 90.5F;
  CHECK_THAT(refused(fixture.source()), Contains("a b.png: keypoint 4") && Contains("outside the image of 90x70"));
  fixture.keypoints[0][4] = good;
  fixture.keypoints[0][4].sigma = 0;
  CHECK_THAT(refused(fixture.source()), Contains("a b.png: keypoint 4") && Contains("positive sigma"));
  fixture.keypoints[0][4] = good;
  fixture.keypoints[0].push_back(good);
  CHECK_THAT(refused(fixture.source()), Contains("a b.png") && Contains("10 keypoints now, but had 9"));
  fixture.keypoints[0].pop_back();
  fixture.folder.file("a b.png", "no picture any more");
  CHECK_THAT(refused(fixture.source()), Contains("a b.png"));
  std::filesystem::remove(fixture.folder / "a b.png");
  CHECK_THAT(refused(fixture.source()), Contains("a b.png"));
  CHECK_THROWS_AS(fixture.source().content_key(0), IoError);
  CHECK_THAT(message_of<InvalidArgument>([] {
               FeatureImageSource({}, {{"x", 0}, {"x", 0}}, {}, {}, 1);
             }),
             Contains("duplicate image name x"));
}
