// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "collection/collection_support.hpp"
#include "engine/fake_backend.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

constexpr std::int64_t kRowBytes = kFakeLength * 4;
constexpr std::int64_t kMemory = 4 * 100 * kRowBytes;  // half of it holds two tiles of 100 keypoints
constexpr std::int64_t kKeypoints = 30;

MemoryImageSource images_of_dots(std::int64_t count) {
  Random random(3);
  MemoryImageSource source;
  for (std::int64_t i = 0; i < count; ++i) {
    PatchSet patches(kKeypoints, 2, 2);
    for (std::int64_t k = 0; k < kKeypoints; ++k) {
      for (int pixel = 0; pixel < 4; ++pixel) {
        patches.mutable_patch(k)[pixel] = static_cast<std::uint8_t>(random.below(60));
      }
    }
    source.add(std::to_string(i), std::move(patches));
  }
  return source;
}

NetworkSpec small_spec() {
  NetworkSpec spec;
  spec.name = "tiny";
  spec.input = Extent{2, 2};
  spec.streams = {Stream{{}, {Linear{4, static_cast<int>(kFakeLength)}}}};
  spec.coupling = Coupling::siamese;
  spec.decision = DecisionMetric{DecisionMetric::Kind::l2, false};
  return spec;
}

}  // namespace

TEST_CASE(
    "rows on the device are bounded by the memory, not by the number of "
    "images; towers run once a patch") {
  for (const std::int64_t images : {10, 60}) {
    const auto counts = std::make_shared<Counts>();
    Engine engine(random_model(small_spec(), 1), std::make_unique<FakeBackend>(kMemory, 64, counts),
                  ExecutionOptions{});
    const auto source = images_of_dots(images);
    const auto pairs = PairSelection::exhaustive(images);
    const auto plan = make_plan(engine, source, pairs, {});
    CHECK(plan.tile_keypoints <= 100);
    std::int64_t seen = 0;
    const auto run = match_collection({engine, source, pairs, plan},
                                      [&](ImagePair /*pair*/, std::span<const Match> /*matches*/) { ++seen; });
    CHECK(seen == pairs.count());
    CHECK(run.described == images * kKeypoints);
    CHECK(counts->described == images * kKeypoints);
    // The cache's half of the memory with what is made ahead, and the rows of the pair at hand.
    CHECK(counts->most_alive * kRowBytes <= kMemory / 2 + 2 * kKeypoints * kRowBytes);
    CHECK(counts->alive == 0);
    // Rows fixed, columns streamed: two loads a block's tile at most, used for
    // all its pairs.
    CHECK(run.row_misses < 2 * pairs.count() / 2);
  }
}

TEST_CASE("a score that is none is said of its two images") {
  MemoryImageSource source;
  for (int image = 0; image < 5; ++image) {
    PatchSet patches(image == 1 ? 0 : 9, 2, 2);
    for (std::int64_t k = 0; k < patches.size(); ++k) std::fill_n(patches.mutable_patch(k), 4, std::uint8_t{3});
    if (image == 3) std::fill_n(patches.mutable_patch(7), 2, std::uint8_t{254});
    source.add("image " + std::to_string(image), std::move(patches));
  }
  Engine engine(random_model(small_spec(), 1), std::make_unique<FakeBackend>(1 << 20, 64, std::make_shared<Counts>()),
                ExecutionOptions{});
  const auto pairs = PairSelection::exhaustive(5);
  const auto plan = make_plan(engine, source, pairs, {});
  CHECK_THROWS_WITH(match_collection({engine, source, pairs, plan}, [](ImagePair, std::span<const Match>) {}),
                    Catch::Contains("images image 0 and image 3: ") &&
                        Catch::Contains("left patch 0 and right patch 7 is not finite"));
}

TEST_CASE("a run that was planned with more memory says how much it needs") {
  const auto source = images_of_dots(20);
  const auto pairs = PairSelection::exhaustive(20);
  const auto engine_with = [](std::int64_t memory) {
    return Engine(random_model(small_spec(), 1), std::make_unique<FakeBackend>(memory, 64, std::make_shared<Counts>()),
                  ExecutionOptions{});
  };
  Engine large = engine_with(kMemory);
  PlanRequest request;
  request.tile_keypoints = 100;
  const auto plan = make_plan(large, source, pairs, request);
  Engine small = engine_with(kMemory / 2);
  CHECK_THROWS_WITH(match_collection({small, source, pairs, plan}, [](ImagePair, std::span<const Match>) {}),
                    Catch::Contains("tiles of 100 keypoints"));
}
