// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/snn.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "support/random.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using twinpatch::test::Random;

namespace {

/// A patch is one number: all that its descriptor is.
struct Numbers {
  PatchSet patches;
  std::vector<std::int64_t> points, images;

  explicit Numbers(std::int64_t count) : patches(count, 1, 1) {}
};

std::unique_ptr<Comparer> numbers() {
  return descriptor_comparer("numbers", 1, [](PatchView patches) {
    Matrix rows(patches.count, 1);
    for (std::int64_t i = 0; i < patches.count; ++i)
      rows.row(i)[0] = static_cast<float>(static_cast<const std::uint8_t*>(patches.pixels)[i]);
    return rows;
  });
}

/// `count` patches of an image: points of two or three patches with similar values.
Numbers image(Random& random, std::int64_t count) {
  Numbers made(count);
  std::int64_t point = 0;
  std::int64_t left = 0;
  double base = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (left == 0) {
      ++point;
      left = 2 + random.below(2);
      base = random.uniform(0, 250);
    }
    --left;
    made.points.push_back(point);
    made.images.push_back(7);
    made.patches.mutable_patch(i)[0] = static_cast<std::uint8_t>(base + random.uniform(0, 5));
  }
  return made;
}

/// The definition, with the negative of each anchor as told.
template <class Negative>
double reference(const Numbers& data, Negative negative) {
  const auto value = [&](std::int64_t i) {
    return static_cast<double>(static_cast<const std::uint8_t*>(data.patches.view().pixels)[i]);
  };
  const auto distance = [&](std::int64_t i, std::int64_t j) { return std::abs(value(i) - value(j)); };
  struct Pair {
    double rank;
    bool right;
  };
  std::vector<Pair> pairs;
  for (std::int64_t i = 0; i < data.patches.size(); ++i) {
    const std::int64_t other = negative(i, distance);
    for (std::int64_t j = 0; j < data.patches.size(); ++j) {
      if (i == j || data.points[static_cast<std::size_t>(i)] != data.points[static_cast<std::size_t>(j)]) continue;
      const double positive = distance(i, j);
      const double wrong = distance(i, other);
      const double far = std::max(positive, wrong);
      pairs.push_back({far == 0 ? 0 : 1 - std::min(positive, wrong) / far, positive <= wrong});
    }
  }
  // Average precision with one threshold for equal ranks, as scikit-learn has it.
  std::map<double, std::pair<double, double>, std::greater<>> steps;  // rank → right, all
  for (const Pair& pair : pairs) {
    auto& [right, all] = steps[static_cast<float>(pair.rank)];
    right += pair.right ? 1 : 0;
    all += 1;
  }
  double right = 0, all = 0, sum = 0;
  for (const auto& [rank, counts] : steps) {
    right += counts.first;
    all += counts.second;
    sum += right / all * counts.first;
  }
  return sum / right;
}

}  // namespace

TEST_CASE("SNN-mAP is the definition's, and that of its authors' program with its first patch as negative") {
  Random random(3);
  const std::int64_t count = GENERATE(40, 1001, 1031);
  const Numbers data = image(random, count);
  const auto comparer = numbers();
  const auto found = snn_precision(*comparer, data.patches.view(), data.points, data.images);
  REQUIRE(found);
  const auto nearest = [&](std::int64_t i, const auto& distance) {
    std::int64_t best = -1;
    for (std::int64_t j = 0; j < count; ++j) {
      if (data.points[static_cast<std::size_t>(i)] == data.points[static_cast<std::size_t>(j)]) continue;
      if (best < 0 || distance(i, j) < distance(i, best)) best = j;
    }
    return best;
  };
  const auto published = [&](std::int64_t i, const auto& distance) {
    return count > 1000 && i < count / 128 * 128 ? nearest(i, distance) : std::int64_t{0};
  };
  CHECK(found->nearest == Approx(reference(data, nearest)).epsilon(1e-6));
  CHECK(found->published == Approx(reference(data, published)).epsilon(1e-6));
  CHECK(found->images == 1);
  CHECK(found->pairs > count);
}

TEST_CASE("SNN-mAP is the mean over images that have two patches of a point") {
  Random random(8);
  const Numbers first = image(random, 30);
  const Numbers second = image(random, 50);
  Numbers all(90);
  for (std::int64_t i = 0; i < 90; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool in_first = i < 30;
    const bool alone = i >= 80;  // an image of single points
    const std::size_t from = in_first ? at : at - 30;
    all.points.push_back(alone ? 1000 + i : in_first ? first.points[from] : 500 + second.points[from]);
    all.images.push_back(alone ? 3 : in_first ? 9 : 4);
    const Numbers& source = in_first ? first : second;
    all.patches.mutable_patch(i)[0] =
        alone ? std::uint8_t{1} : static_cast<const std::uint8_t*>(source.patches.view().pixels)[from];
  }
  const auto comparer = numbers();
  const auto found = snn_precision(*comparer, all.patches.view(), all.points, all.images);
  const auto a = snn_precision(*comparer, first.patches.view(), first.points, first.images);
  const auto b = snn_precision(*comparer, second.patches.view(), second.points, second.images);
  REQUIRE((found && a && b));
  CHECK(found->nearest == Approx((a->nearest + b->nearest) / 2));
  CHECK(found->published == Approx((a->published + b->published) / 2));
  CHECK(found->images == 2);
}

TEST_CASE("SNN-mAP where there is none, and input that does not fit") {
  Random random(2);
  Numbers data = image(random, 20);
  const auto comparer = numbers();
  std::vector<std::int64_t> apart(20);
  for (std::size_t i = 0; i < apart.size(); ++i) apart[i] = static_cast<std::int64_t>(i);
  CHECK_FALSE(snn_precision(*comparer, data.patches.view(), apart, data.images));
  CHECK_FALSE(snn_precision(*comparer, data.patches.view(), data.points, apart));
  apart.pop_back();
  CHECK_THROWS_AS(snn_precision(*comparer, data.patches.view(), data.points, apart), InvalidArgument);
}
