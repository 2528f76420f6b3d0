// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/epipolar_guide.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "support/message.hpp"
#include "support/random.hpp"
#include "twinpatch/core/error.hpp"

// Which pairs a guide takes from their first matches, and what it asks of the second ones.

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

constexpr int kCount = 200;

/// Two views of points in space, or of a plane; match i joins keypoints i, and so many are wrong: keypoints that have
/// no partner.
struct TwoViews {
  TwoViews(bool plane, int wrong, double distortion = 0) {
    camera.camera = {
        .model = CameraModel::simple_radial, .width = 1200, .height = 900, .parameters = {1000, 610, 440, distortion}};
    camera.has_prior_focal_length = true;
    Random random(Catch::rngSeed());
    for (std::int32_t i = 0; i < kCount; ++i) {
      const double x = random.uniform(-3, 3);
      const double y = random.uniform(-2, 2);
      const double z = plane ? 6 + 0.3 * x - 0.2 * y : random.uniform(4, 9);
      left.push_back(pixel(x, y, z, distortion, random));
      right.push_back(pixel(std::cos(0.2) * x + std::sin(0.2) * z - 1.2, y + 0.2,
                            std::cos(0.2) * z - std::sin(0.2) * x + 0.1, distortion, random));
      if (i < wrong)
        right.back() = {static_cast<float>(random.uniform(0, 1200)), static_cast<float>(random.uniform(0, 900)), 2};
      matches.push_back({i, i, static_cast<float>(-random.uniform(0.5, 1))});
    }
  }
  static Keypoint pixel(double x, double y, double z, double distortion, Random& random) {
    const double factor = 1000 * (1 + distortion * (x * x + y * y) / (z * z)) / z;
    return {.x = static_cast<float>(610 + x * factor + 0.2 * random.normal()),
            .y = static_cast<float>(440 + y * factor + 0.2 * random.normal()),
            .sigma = 2};
  }
  [[nodiscard]] std::optional<PairGuidance> guidance(GuideOptions options = {}, bool with_camera = true) const {
    GuideSource source{[this](const std::string& name) { return name == "left" ? left : right; }, {}};
    if (with_camera) source.camera = [this](const std::string& /*name*/) { return &camera; };
    options.threads = 1;
    const auto guide = make_epipolar_guide(source, options);
    const GuidedPartner partner{{"right"}, matches};
    return guide->guide({"left"}, std::span(&partner, 1)).front();
  }
  /// How many of the right matches the mask leaves.
  [[nodiscard]] int left_over(const GridMask& mask, int wrong) const {
    int count = 0;
    for (std::int32_t i = wrong; i < kCount; ++i) {
      const auto row = mask.row(i);
      count += std::ranges::any_of(row, [&](ColumnInterval in) { return in.begin <= i && i < in.end; }) ? 1 : 0;
    }
    return count;
  }
  ColmapCameraRow camera;
  std::vector<Keypoint> left, right;
  std::vector<Match> matches;
};

}  // namespace

TEST_CASE("an epipolar geometry guides if three quarters of the matches agree, a homography with fewer") {
  for (const bool with_camera : {true, false}) {
    const auto enough = TwoViews(false, kCount / 5).guidance({}, with_camera);
    REQUIRE(enough);
    CHECK(TwoViews(false, kCount / 5).left_over(enough->mask, kCount / 5) > kCount * 4 / 5 * 95 / 100);
    CHECK_FALSE(TwoViews(false, kCount * 2 / 5).guidance({}, with_camera));
    CHECK(TwoViews(false, kCount * 2 / 5).guidance({.least_share = 0.5}, with_camera));
    CHECK(TwoViews(true, kCount * 2 / 5).guidance({}, with_camera));
  }
}

TEST_CASE("later matches score as the first ones that agree, but for one in a hundred of these") {
  TwoViews views(false, 0);
  views.matches[17].score = -7;
  views.matches[18].score = -6;
  views.matches[19].score = -5;
  const auto guidance = views.guidance();
  REQUIRE(guidance);
  // Of some 200 that agree, the two with the least scores do not count.
  CHECK(guidance->least_score == -5);
  CHECK(guidance->applied_to({}).threshold == -5);
  CHECK(guidance->applied_to({.mutual = true, .ratio = {}, .threshold = 1}).threshold == 1);
}

TEST_CASE("with focal lengths the bands follow the lenses") {
  const TwoViews views(false, 0, 0.3);  // some 60 pixels at the corners
  const auto with = views.guidance();
  REQUIRE(with);
  CHECK(views.left_over(with->mask, 0) > kCount * 95 / 100);
  const auto without = views.guidance({.least_share = 0}, false);
  CHECK((!without || views.left_over(without->mask, 0) < views.left_over(with->mask, 0)));
}

TEST_CASE("discs of a homography are wider than bands by the root of two") {
  const TwoViews views(true, 0);
  const auto narrow = views.guidance({.pixels = 1});
  REQUIRE(narrow);
  // By the truth: within 0.2 px a coordinate of noise, nearly all lie in a disc of 1.41 pixels.
  CHECK(views.left_over(narrow->mask, 0) > kCount * 95 / 100);
  CHECK(narrow->mask.pairs() < 2 * kCount);
}

TEST_CASE("options that make no sense are refused") {
  const TwoViews views(false, 0);
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)views.guidance({.pixels = 0}); }), Contains("wider than 0"));
  CHECK_THAT(message_of<InvalidArgument>([&] { (void)views.guidance({.least_share = 1.5}); }),
             Contains("must be in [0, 1], found 1.5"));
}
