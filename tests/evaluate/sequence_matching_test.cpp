// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/sequence_matching.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <random>

#include "support/random.hpp"
#include "twinpatch/core/error.hpp"

namespace {

using namespace twinpatch;

constexpr Homography kIdentity{1, 0, 0, 0, 1, 0, 0, 0, 1};

double circles_overlap_error(double r, double s, double d) {
  const double pi = std::numbers::pi;
  double both = 0;
  if (d <= std::abs(r - s)) {
    both = pi * std::min(r, s) * std::min(r, s);
  } else if (d < r + s) {
    const double a = std::acos((d * d + r * r - s * s) / (2 * d * r));
    const double b = std::acos((d * d + s * s - r * r) / (2 * d * s));
    both = r * r * (a - std::sin(2 * a) / 2) + s * s * (b - std::sin(2 * b) / 2);
  }
  return 1 - both / (pi * r * r + pi * s * s - both);
}

TEST_CASE("overlap of circles is that of the formula", "[evaluate]") {
  test::Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    const Keypoint left{.x = 50, .y = 60, .sigma = static_cast<float>(1 + 20 * random.uniform())};
    Keypoint right = left;
    right.sigma = static_cast<float>(1 + 20 * random.uniform());
    const double distance = 25 * random.uniform();
    right.x += static_cast<float>(distance * std::cos(trial));
    right.y += static_cast<float>(distance * std::sin(trial));
    // A grid of one pixel on a radius of 30: 0.01 was the largest difference.
    CHECK(overlap_error(left, right, kIdentity) ==
          Approx(circles_overlap_error(left.sigma, right.sigma, distance)).margin(0.02));
  }
}

TEST_CASE("a region is carried over as an ellipse", "[evaluate]") {
  // Twice as wide, half as high, moved: an ellipse of 20 by 5 against a circle of the same area.
  const Homography squeezed{2, 0, 30, 0, 0.5, -4, 0, 0, 1};
  const Keypoint left{.x = 40.5F, .y = 40.5F, .sigma = 10};
  const Keypoint right{.x = 110.5F, .y = 16.5F, .sigma = 10};
  // Intersection of x²/400 + y²/25 ≤ 1 and x² + y² ≤ 100, by fine sums.
  double both = 0, either = 0;
  for (double x = -20; x <= 20; x += 0.05)
    for (double y = -20; y <= 20; y += 0.05) {
      const bool in_ellipse = x * x / 400 + y * y / 25 <= 1;
      const bool in_circle = x * x + y * y <= 100;
      both += in_ellipse && in_circle ? 1 : 0;
      either += in_ellipse || in_circle ? 1 : 0;
    }
  CHECK(overlap_error(left, right, squeezed) == Approx(1 - both / either).margin(0.02));
  CHECK(overlap_error(left, {.x = 300, .y = 300, .sigma = 10}, squeezed) == 1);
  const Homography horizon{1, 0, 0, 0, 1, 0, -1, 0, 1};  // the point lies behind the camera
  CHECK(overlap_error(left, right, horizon) == 1);
}

/// Blobs of different sizes at random places: what SIFT finds again.
GrayImage blobs(int width, int height, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<double> grey(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 128);
  for (int blob = 0; blob < 150; ++blob) {
    const double x = width * random.uniform(), y = height * random.uniform();
    const double sigma = 2 + 5 * random.uniform(), strength = 160 * (random.uniform() - 0.5);
    for (int v = 0; v < height; ++v)
      for (int u = 0; u < width; ++u)
        grey[static_cast<std::size_t>(v * width + u)] +=
            strength * std::exp(-((u - x) * (u - x) + (v - y) * (v - y)) / (2 * sigma * sigma));
  }
  GrayImage image(width, height);
  for (int v = 0; v < height; ++v)
    for (int u = 0; u < width; ++u)
      image.row(v)[u] =
          static_cast<std::uint8_t>(std::clamp(grey[static_cast<std::size_t>(v * width + u)], 0.0, 255.0));
  return image;
}

TEST_CASE("an image matches itself, and a foreign one does not", "[evaluate]") {
  GrayImage image = blobs(160, 120, 5);
  ImageSequence sequence{"self", {"img1", "img2", "img3", "img4"}, {}, {}, {1, 2, 3, 5}, {}};
  GrayImage shifted(160, 120);
  for (int v = 0; v < 120; ++v)
    for (int u = 0; u < 160; ++u) shifted.row(v)[u] = image.row(v)[std::max(0, u - 7)];
  sequence.images.push_back(blobs(160, 120, 5));
  sequence.images.push_back(std::move(image));
  sequence.images.push_back(std::move(shifted));
  GrayImage black(160, 120);  // no keypoints
  for (int v = 0; v < 120; ++v) std::fill_n(black.row(v), 160, std::uint8_t{0});
  sequence.images.push_back(std::move(black));
  sequence.from_first = {kIdentity, kIdentity, {1, 0, 7, 0, 1, 0, 0, 0, 1}, kIdentity};
  ThreadPool pool(2);
  const SequenceMatchingOptions options{.max_keypoints = 60};
  SequenceTruth truth = find_sequence_truth(std::move(sequence), options, pool);
  REQUIRE(truth.keypoints[0].size() > 20);
  const auto comparers = baselines();
  for (const auto& comparer : comparers) {
    INFO(comparer->name());
    const SequenceMatching result = match_sequence(*comparer, truth, options, pool);
    REQUIRE(result.pairs.size() == 3);
    const auto keypoints = static_cast<std::int64_t>(truth.keypoints[0].size());
    CHECK(result.pairs[0].image == 2);
    CHECK(result.pairs[2].image == 5);
    CHECK(result.pairs[0].correspondences == keypoints);
    CHECK(result.pairs[0].average_precision > 0.95);  // keypoints of one place and two angles may change places
    CHECK(result.pairs[0].transfers.within[2] == result.pairs[0].mutual);
    CHECK(result.pairs[0].mutual > keypoints / 2);
    CHECK(result.pairs[1].average_precision > 0.7);
    CHECK(result.pairs[1].transfers.within[2] > result.pairs[1].mutual / 2);
    CHECK(result.pairs[2].correspondences == 0);
    CHECK(result.pairs[2].average_precision == 0);
    CHECK(result.pairs[2].mutual == 0);
    // The truth itself decides: with a wrong homography nothing is right.
    truth.sequence.from_first[1] = {1, 0, 60, 0, 1, 45, 0, 0, 1};
    CHECK(match_sequence(*comparer, truth, options, pool).pairs[0].transfers.within[2] <
          result.pairs[0].transfers.within[2] / 4);
    truth.sequence.from_first[1] = kIdentity;
  }
}

TEST_CASE("ranking all candidates is matching everything, and few candidates are a part of it", "[evaluate]") {
  const auto pixels = test::structured_patches(23, 64, 64, 8);
  const auto others = test::structured_patches(17, 64, 64, 9);
  const PatchView left{PixelType::u8, pixels.data(), 23, 64, 64};
  const PatchView right{PixelType::u8, others.data(), 17, 64, 64};
  const auto by_pixels = [] { return descriptor_comparer("pixels", 64, normalised_pixels); };
  const auto sift = [] { return std::shared_ptr<Comparer>(std::move(baselines().back())); };
  const GridOptions options{.top_k = 3, .column_best = true};
  const Selected whole = by_pixels()->best(left, right, options);
  const auto all = reranking_comparer(sift(), by_pixels(), 17);
  CHECK(all->name() == "pixels on root-SIFT's 17");
  const Selected ranked = all->best(left, right, options);
  for (std::int64_t i = 0; i < 23 * 3; ++i) {
    CHECK(ranked.indices[i] == whole.indices[i]);
    CHECK(ranked.scores[i] == whole.scores[i]);
  }
  for (std::int64_t j = 0; j < 17; ++j) CHECK(ranked.column_indices[j] == whole.column_indices[j]);
  const Selected nearest = sift()->best(left, right, {.top_k = 2});
  const Selected few = reranking_comparer(sift(), by_pixels(), 2)->best(left, right, options);
  for (std::int64_t i = 0; i < 23; ++i) {
    for (std::int64_t k = 0; k < 2; ++k) {
      const auto chosen = few.indices[3 * i + k];
      CHECK((chosen == nearest.indices[2 * i] || chosen == nearest.indices[2 * i + 1]));
    }
    CHECK(few.indices[3 * i + 2] == -1);
    CHECK(few.scores[3 * i] >= few.scores[3 * i + 1]);
  }
  CHECK_THROWS_AS(reranking_comparer(sift(), by_pixels(), 0), InvalidArgument);
  CHECK_THROWS_AS(reranking_comparer(sift(), descriptor_comparer("small", 32, normalised_pixels), 3), ShapeError);
}

TEST_CASE("average precision of a sequence counts what could have been found", "[evaluate]") {
  // A comparer that knows the right answer for the first keypoint alone and is surest of a wrong one.
  class Fixed final : public Comparer {
   public:
    [[nodiscard]] const std::string& name() const override { return name_; }
    [[nodiscard]] int side() const override { return 8; }
    [[nodiscard]] std::vector<float> score(PatchView, PatchView, std::span<const IndexPair> pairs,
                                           const RunControl&) override {
      return std::vector<float>(pairs.size());
    }
    [[nodiscard]] Selected best(PatchView left, PatchView right, const GridOptions& options,
                                const RunControl&) override {
      REQUIRE(options.column_best);
      Selected selected;
      selected.rows = left.count;
      selected.columns = right.count;
      selected.top_k = 1;
      selected.indices = Buffer<std::int32_t>(left.count);
      selected.scores = Buffer<float>(left.count);
      selected.column_indices = Buffer<std::int32_t>(right.count);
      selected.column_scores = Buffer<float>(right.count);
      const std::int32_t chosen[] = {0, 2, 2, 1};
      const float scores[] = {0.5F, 0.9F, 0.4F, 0.1F};
      const std::int32_t columns[] = {0, 3, 1};
      for (int i = 0; i < 4; ++i) selected.indices[i] = chosen[i], selected.scores[i] = scores[i];
      for (int i = 0; i < 3; ++i) selected.column_indices[i] = columns[i], selected.column_scores[i] = 0;
      return selected;
    }

   private:
    std::string name_ = "fixed";
  };
  SequenceTruth truth;
  truth.sequence.name = "toy";
  truth.sequence.numbers = {1, 2};
  truth.sequence.from_first = {kIdentity, kIdentity};
  truth.sequence.images.push_back(blobs(40, 40, 1));
  truth.sequence.images.push_back(blobs(40, 40, 1));
  truth.keypoints = {{{.x = 10, .y = 10, .sigma = 2},
                      {.x = 30, .y = 10, .sigma = 2},
                      {.x = 30, .y = 30, .sigma = 2},
                      {.x = 10, .y = 30, .sigma = 2}},
                     {{.x = 10, .y = 10, .sigma = 2}, {.x = 10, .y = 30, .sigma = 2}, {.x = 30, .y = 30, .sigma = 2}}};
  truth.overlapping = {{{0}, {}, {2}, {1}}};
  Fixed fixed;
  ThreadPool pool(1);
  const PairMatching pair = match_sequence(fixed, truth, {}, pool).pairs.at(0);
  CHECK(pair.correspondences == 3);
  // Ranked: wrong, right, right, right, of three: (1/2 + 2/3 + 3/4) / 3.
  CHECK(pair.average_precision == Approx((1.0 / 2 + 2.0 / 3 + 3.0 / 4) / 3));
  CHECK(pair.mutual == 3);  // left 1 and right 2 choose each other and are 20 pixels apart
  CHECK(pair.transfers.within[2] == 2);
}

}  // namespace
