// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_verify.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <opencv2/core.hpp>
#include <set>

#include "support/message.hpp"
#include "support/random.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using Catch::Contains;

namespace {

using Vector = std::array<double, 3>;

Vector times(const std::array<double, 9>& m, const Vector& v) {
  Vector result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < 3; ++k) result[i] += m[3 * i + k] * v[k];
  }
  return result;
}
double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

// Noise is 0.3 px a coordinate, the threshold 4 px. Worst of 180 scenes: recall 0.967, precision 0.973 (wrong matches
// that happen to fit), 5.2 px of the worst of 240 right matches from its line, 77 px where the matrix is transposed.
constexpr double kVerifyRecall = 0.93;
constexpr double kVerifyPrecision = 0.94;
// With 60 % of wrong matches a few more of them fit: worst of 240 scenes 0.914.
constexpr double kScoredPrecision = 0.88;
constexpr double kSingular = 1e-9;
constexpr double kEpipolarError = 8;
constexpr double kTransposedError = 30;

constexpr int kWidth = 1200;
constexpr int kHeight = 900;

ColmapCameraRow camera(CameraModel model, const std::vector<double>& distortion, bool prior) {
  ColmapCameraRow row;
  row.camera.model = model;
  row.camera.width = kWidth;
  row.camera.height = kHeight;
  const bool one_focal = model == CameraModel::simple_pinhole || model == CameraModel::simple_radial ||
                         model == CameraModel::radial || model == CameraModel::simple_radial_fisheye;
  row.camera.parameters = one_focal ? std::vector<double>{1000, 610, 440} : std::vector<double>{1000, 1010, 610, 440};
  row.camera.parameters.insert(row.camera.parameters.end(), distortion.begin(), distortion.end());
  row.has_prior_focal_length = prior;
  return row;
}

/// Pixel of a direction, with the lenses used here.
std::array<double, 2> pixel(const ColmapCamera& camera, const Vector& point) {
  double x = point[0] / point[2];
  double y = point[1] / point[2];
  const auto& p = camera.parameters;
  if (camera.model == CameraModel::simple_radial) {
    const double factor = 1 + p[3] * (x * x + y * y);
    return {p[0] * x * factor + p[1], p[0] * y * factor + p[2]};
  }
  if (camera.model == CameraModel::simple_radial_fisheye) {
    const double r = std::hypot(x, y);
    const double theta = std::atan(r);
    const double factor = theta * (1 + p[3] * theta * theta) / r;
    return {p[0] * x * factor + p[1], p[0] * y * factor + p[2]};
  }
  return {p[0] * x + p[2], p[1] * y + p[3]};
}

enum class Shape { solid, plane, rotation, noise };

/// Two views of a random scene: keypoint i of one is keypoint `partner[i]` of the other; a share of the matches is
/// wrong.
struct TwoViews {
  TwoViews(Shape shape, const ColmapCameraRow& a, const ColmapCameraRow& b, int count, double wrong, std::uint64_t seed)
      : first_camera(a), second_camera(b) {
    Random random(seed);
    const double turn = random.uniform(0.1, 0.3);
    const Vector shift{shape == Shape::rotation ? 0.0 : random.uniform(-1.5, -1), 0.2, 0.1};
    while (std::ssize(first) < count) {
      const double x = random.uniform(-3, 3);
      const double y = random.uniform(-2, 2);
      const Vector point{x, y, shape == Shape::plane ? 6 + 0.3 * x - 0.2 * y : random.uniform(4, 9)};
      Vector moved{std::cos(turn) * point[0] + std::sin(turn) * point[2], point[1],
                   -std::sin(turn) * point[0] + std::cos(turn) * point[2]};
      if (shape != Shape::rotation) {
        for (std::size_t k = 0; k < 3; ++k) moved[k] += shift[k];
      }
      const auto left = pixel(a.camera, point);
      auto right = pixel(b.camera, moved);
      const bool is_wrong = shape == Shape::noise || random.uniform() < wrong;
      if (is_wrong) right = {random.uniform(0, kWidth), random.uniform(0, kHeight)};
      const auto index = static_cast<std::int32_t>(first.size());
      first.push_back(keypoint(left, random));
      second.push_back(keypoint(right, random));
      matches.push_back({index, index});
      if (!is_wrong) right_ones.insert(index);
    }
  }
  static Keypoint keypoint(const std::array<double, 2>& place, Random& random) {
    return {.x = static_cast<float>(place[0] + 0.3 * random.normal()),
            .y = static_cast<float>(place[1] + 0.3 * random.normal()),
            .sigma = 2};
  }
  [[nodiscard]] ColmapGeometry verified() const {
    return verify_pair({&first_camera, first}, {&second_camera, second}, matches);
  }
  /// Share of the right matches that were kept, and of the kept ones that are right.
  [[nodiscard]] std::pair<double, double> recall_and_precision(const ColmapGeometry& geometry) const {
    double right = 0;
    for (const auto& match : geometry.inliers) right += right_ones.contains(match.left) ? 1 : 0;
    return {right / static_cast<double>(right_ones.size()), right / static_cast<double>(geometry.inliers.size())};
  }
  /// Largest distance of a right match from its epipolar line, pixels.
  [[nodiscard]] double epipolar_error(const std::array<double, 9>& f) const {
    double worst = 0;
    for (const std::int32_t i : right_ones) {
      const auto& a = first[static_cast<std::size_t>(i)];
      const auto& b = second[static_cast<std::size_t>(i)];
      const Vector line = times(f, {a.x, a.y, 1});
      worst = std::max(worst, std::abs(dot({b.x, b.y, 1}, line)) / std::hypot(line[0], line[1]));
    }
    return worst;
  }

  ColmapCameraRow first_camera;
  ColmapCameraRow second_camera;
  std::vector<Keypoint> first;
  std::vector<Keypoint> second;
  std::vector<IndexPair> matches;
  std::set<std::int32_t> right_ones;
};

}  // namespace

TEST_CASE("pairs with known focal lengths are calibrated, whatever the lens") {
  const auto seed = Catch::rngSeed();
  const std::vector<std::pair<ColmapCameraRow, ColmapCameraRow>> lenses{
      {camera(CameraModel::pinhole, {}, true), camera(CameraModel::pinhole, {}, true)},
      {camera(CameraModel::simple_radial, {-0.15}, true), camera(CameraModel::pinhole, {}, true)},
      {camera(CameraModel::simple_radial_fisheye, {0.02}, true), camera(CameraModel::simple_radial, {0.05}, true)}};
  for (const auto& [a, b] : lenses) {
    INFO(static_cast<int>(a.camera.model));
    const TwoViews views(Shape::solid, a, b, 400, 0.3, seed);
    const ColmapGeometry geometry = views.verified();
    CHECK(geometry.config == ColmapConfig::calibrated);
    const auto [recall, precision] = views.recall_and_precision(geometry);
    CHECK(recall > kVerifyRecall);
    CHECK(precision > kVerifyPrecision);
    REQUIRE(geometry.essential);
    const auto again = views.verified();
    CHECK(again.inliers == geometry.inliers);
    CHECK(again.essential == geometry.essential);
  }
}

TEST_CASE("the fundamental matrix is row-major, from the first image to the second") {
  for (int round = 0; round < 3; ++round) {
    const TwoViews views(Shape::solid, camera(CameraModel::pinhole, {}, false), camera(CameraModel::pinhole, {}, true),
                         300, 0.2, Catch::rngSeed() + static_cast<unsigned>(round));
    const ColmapGeometry geometry = views.verified();
    CHECK(geometry.config == ColmapConfig::uncalibrated);  // one focal length is a guess
    CHECK_FALSE(geometry.essential);
    REQUIRE(geometry.fundamental);
    CHECK(views.epipolar_error(*geometry.fundamental) < kEpipolarError);
    auto transposed = *geometry.fundamental;
    for (const auto& [i, k] : {std::pair{1, 3}, {2, 6}, {5, 7}}) {
      std::swap(transposed[static_cast<std::size_t>(i)], transposed[static_cast<std::size_t>(k)]);
    }
    CHECK(views.epipolar_error(transposed) > kTransposedError);
    const auto [recall, precision] = views.recall_and_precision(geometry);
    CHECK(recall > kVerifyRecall);
    CHECK(precision > kVerifyPrecision);
  }
}

TEST_CASE("planes and pure rotations are told from solids") {
  for (const Shape shape : {Shape::plane, Shape::rotation}) {
    for (const bool prior : {false, true}) {
      const TwoViews views(shape, camera(CameraModel::pinhole, {}, prior), camera(CameraModel::pinhole, {}, prior), 300,
                           0.25, Catch::rngSeed());
      const ColmapGeometry geometry = views.verified();
      CHECK(geometry.config == ColmapConfig::planar_or_panoramic);
      REQUIRE(geometry.homography);
      const auto [recall, precision] = views.recall_and_precision(geometry);
      CHECK(recall > kVerifyRecall);
      CHECK(precision > kVerifyPrecision);
    }
  }
}

TEST_CASE("scores make the same geometry cheaper, and the order of matches does not matter") {
  for (const Shape shape : {Shape::solid, Shape::plane}) {
    const auto lens = camera(CameraModel::pinhole, {}, true);
    const TwoViews views(shape, lens, lens, 400, 0.6, Catch::rngSeed());
    Random random(Catch::rngSeed());
    std::vector<Match> scored;
    for (const IndexPair& match : views.matches) {
      const double right = views.right_ones.contains(match.left) ? 0.3 : 0;
      scored.push_back({match.left, match.right, static_cast<float>(right + random.uniform())});
    }
    const auto verified = [&] { return verify_pair({&lens, views.first}, {&lens, views.second}, scored); };
    const ColmapGeometry geometry = verified();
    CHECK(geometry.config == (shape == Shape::solid ? ColmapConfig::calibrated : ColmapConfig::planar_or_panoramic));
    const auto [recall, precision] = views.recall_and_precision(geometry);
    CHECK(recall > kVerifyRecall);
    CHECK(precision > kScoredPrecision);
    std::ranges::reverse(scored);
    const ColmapGeometry reversed = verified();
    CHECK(reversed.inliers == geometry.inliers);
    CHECK(reversed.fundamental == geometry.fundamental);
    CHECK(std::ranges::is_sorted(geometry.inliers, {}, &IndexPair::left));
  }
}

TEST_CASE("essential matrices have two equal singular values, and fundamental ones rank 2") {
  const auto lens = camera(CameraModel::pinhole, {}, true);
  const ColmapGeometry geometry = TwoViews(Shape::solid, lens, lens, 300, 0.2, Catch::rngSeed()).verified();
  const auto singular = [](const std::array<double, 9>& matrix) {
    cv::Matx31d values;
    cv::SVD::compute(cv::Matx33d(matrix.data()), values);
    return values;
  };
  const auto e = singular(geometry.essential.value());
  CHECK(e(1) == Approx(e(0)));
  CHECK(e(2) == Approx(0).margin(kSingular * e(0)));
  const auto f = singular(geometry.fundamental.value());
  CHECK(f(2) == Approx(0).margin(kSingular * f(0)));
}

TEST_CASE("what moves along with the border of the picture is a watermark") {
  const auto lens = camera(CameraModel::pinhole, {}, true);
  Random random(Catch::rngSeed());
  // A line of text at the bottom of both pictures, a little shifted; and the same text in the middle of them.
  for (const double height : {kHeight - 60.0, kHeight / 2.0}) {
    std::vector<Keypoint> first;
    std::vector<Keypoint> second;
    std::vector<IndexPair> matches;
    for (std::int32_t i = 0; i < 60; ++i) {
      const std::array<double, 2> place{random.uniform(300, 900), height + random.uniform(0, 40)};
      first.push_back(TwoViews::keypoint(place, random));
      second.push_back(TwoViews::keypoint({place[0] + 5, place[1] - 3}, random));
      matches.push_back({i, i});
    }
    const ColmapGeometry geometry = verify_pair({&lens, first}, {&lens, second}, matches);
    CHECK(geometry.inliers.size() > 50);
    CHECK(geometry.config == (height > kHeight / 2.0 ? ColmapConfig::watermark : ColmapConfig::planar_or_panoramic));
    // Sizes of the pictures decide: without cameras nothing is a watermark.
    CHECK(verify_pair({nullptr, first}, {nullptr, second}, matches).config == ColmapConfig::planar_or_panoramic);
  }
}

TEST_CASE("noise, few matches and none are degenerate") {
  const auto lens = camera(CameraModel::pinhole, {}, true);
  const TwoViews noise(Shape::noise, lens, lens, 60, 1, Catch::rngSeed());
  const ColmapGeometry nothing = noise.verified();
  CHECK(nothing.config == ColmapConfig::degenerate);
  CHECK(nothing.inliers.empty());
  CHECK_FALSE(nothing.fundamental);
  const TwoViews few(Shape::solid, lens, lens, 14, 0, Catch::rngSeed());
  CHECK(few.verified().config == ColmapConfig::degenerate);
  const TwoViews none(Shape::solid, lens, lens, 0, 0, Catch::rngSeed());
  CHECK(none.verified().config == ColmapConfig::degenerate);
  // Many times the same match.
  const TwoViews solid(Shape::solid, lens, lens, 20, 0, Catch::rngSeed());
  const std::vector<IndexPair> repeated(40, IndexPair{3, 3});
  CHECK_NOTHROW(verify_pair({&lens, solid.first}, {&lens, solid.second}, repeated));
}

TEST_CASE("verification refuses what makes no sense") {
  const auto lens = camera(CameraModel::pinhole, {}, true);
  const TwoViews views(Shape::solid, lens, lens, 20, 0, Catch::rngSeed());
  const auto refused = [&](const ColmapVerifyOptions& options, const std::vector<IndexPair>& matches) {
    return message_of<InvalidArgument>([&] {
      (void)verify_pair({&lens, views.first}, {&lens, views.second}, matches, options);
    });
  };
  CHECK_THAT(refused({}, {{0, 20}}), Contains("matches to verify"));
  CHECK_THAT(refused({.min_inliers = 7}, {}), Contains("at least 8 inliers, found 7"));
  CHECK_THAT(refused({.max_error = 0}, {}), Contains("positive error"));
  // A camera that is not known: no essential matrix, but all the rest.
  CHECK(verify_pair({nullptr, views.first}, {&lens, views.second}, views.matches).config == ColmapConfig::uncalibrated);
}
