// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/image_retrieval.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/message.hpp"
#include "support/random.hpp"
#include "twinpatch/core/error.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr std::int64_t kSize = 37;  // of a descriptor: no multiple of anything

/// Images of scenes: what an image shows is some of its scene's own things, seen with noise, among things that are
/// everywhere. Image i belongs to scene i % scenes.
class Collection {
 public:
  Collection(std::int64_t images, std::int64_t scenes, std::uint64_t seed) : images_(images) {
    Random random(seed);
    const auto things = [&](std::int64_t count) {
      std::vector<std::vector<float>> result;
      for (std::int64_t i = 0; i < count; ++i) result.push_back(normal_floats(kSize, random.bits()));
      return result;
    };
    const auto everywhere = things(60);
    std::vector<std::vector<std::vector<float>>> own;
    for (std::int64_t s = 0; s < scenes; ++s) own.push_back(things(40));
    for (std::int64_t i = 0; i < images; ++i) {
      const std::int64_t count = 90 + random.below(40);
      Matrix rows(count, kSize);
      for (std::int64_t k = 0; k < count; ++k) {
        const auto& of_scene = own[static_cast<std::size_t>(i % scenes)];
        const auto& thing = random.uniform() < 0.5 ? of_scene[static_cast<std::size_t>(random.below(40))]
                                                   : everywhere[static_cast<std::size_t>(random.below(60))];
        for (std::int64_t d = 0; d < kSize; ++d) {
          rows.row(k)[static_cast<std::size_t>(d)] =
              thing[static_cast<std::size_t>(d)] + static_cast<float>(0.2 * random.normal());
        }
      }
      images_[static_cast<std::size_t>(i)] = std::move(rows);
    }
  }
  [[nodiscard]] WalkDescriptors walk() const {
    return [this](const std::function<void(std::int64_t, MatrixView)>& sink) {
      for (std::size_t i = 0; i < images_.size(); ++i) sink(static_cast<std::int64_t>(i), images_[i].view());
    };
  }
  void empty(std::size_t image) { images_[image] = Matrix(0, kSize); }
  [[nodiscard]] Matrix vectors(const RetrievalOptions& options = {}) const {
    return global_vectors(std::ssize(images_), walk(), options);
  }

 private:
  std::vector<Matrix> images_;
};

}  // namespace

TEST_CASE("images of a scene find each other by their pooled descriptors") {
  constexpr std::int64_t kScenes = 7;
  constexpr std::int64_t kEach = 5;
  const Collection collection(kScenes * kEach, kScenes, Catch::rngSeed());
  ThreadPool pool(2);
  const auto pairs = nearest_images(collection.vectors().view(), kEach - 1, pool);
  std::int64_t right = 0;
  for (const ImagePair& pair : pairs) {
    CHECK(pair.first < pair.second);
    right += pair.first % kScenes == pair.second % kScenes ? 1 : 0;
  }
  // Worst of 40 collections: 66 of the 70 pairs that belong together, among 73 pairs.
  CHECK(right >= kScenes * kEach * (kEach - 1) / 2 * 8 / 10);
  CHECK(right >= std::ssize(pairs) * 8 / 10);
  CHECK(std::ranges::is_sorted(pairs));
}

TEST_CASE("pooled vectors have length one, and are the same every time") {
  Collection collection(6, 3, Catch::rngSeed());
  collection.empty(4);
  const Matrix vectors = collection.vectors({.centres = 5});
  CHECK(vectors.rows() == 6);
  CHECK(vectors.columns() == 5 * kSize);
  for (std::int64_t i = 0; i < 6; ++i) {
    double length = 0;
    for (const float value : vectors.row(i)) length += double{value} * value;
    CHECK(length == Approx(i == 4 ? 0 : 1).margin(1e-5));
  }
  const Matrix again = collection.vectors({.centres = 5});
  CHECK(std::ranges::equal(vectors.span(), again.span()));
  ThreadPool one(1);
  ThreadPool three(3);
  CHECK(nearest_images(vectors.view(), 2, one) == nearest_images(vectors.view(), 2, three));
  // An image without keypoints is nobody's neighbour, however many are asked for.
  const auto all = nearest_images(vectors.view(), 100, one);
  CHECK(all.size() == 10);
  for (const ImagePair& pair : all) CHECK((pair.first != 4 && pair.second != 4));
}

TEST_CASE("collections of no image, of one, and of images without keypoints have no pairs") {
  ThreadPool pool(1);
  CHECK(nearest_images(Collection(0, 1, 1).vectors().view(), 3, pool).empty());
  CHECK(nearest_images(Collection(1, 1, 1).vectors().view(), 3, pool).empty());
  Collection blank(3, 1, 1);
  for (std::size_t i = 0; i < 3; ++i) blank.empty(i);
  CHECK(nearest_images(blank.vectors().view(), 3, pool).empty());
  // Fewer descriptors than centres.
  Collection small(2, 1, 1);
  CHECK(small.vectors({.centres = 1000}).rows() == 2);
  CHECK_THROWS_AS(small.vectors({.neighbours = 0}), InvalidArgument);
  CHECK_THROWS_AS(small.vectors({.centres = 0}), InvalidArgument);
}

TEST_CASE("of equally similar images the first are taken") {
  Matrix vectors(4, 2);
  for (std::int64_t i = 0; i < 4; ++i) {
    vectors.row(i)[0] = 1;
    vectors.row(i)[1] = 0;
  }
  ThreadPool pool(2);
  CHECK(nearest_images(vectors.view(), 1, pool) == std::vector<ImagePair>{{0, 1}, {0, 2}, {0, 3}});
}
