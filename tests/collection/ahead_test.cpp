// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "ahead.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "background.hpp"
#include "collection/collection_support.hpp"
#include "descriptors_behind.hpp"
#include "engine/fake_backend.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// Waits for what another thread will do, not for ever.
template <class Condition>
bool comes_true(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

/// Squares; the cost of a key is the key.
struct Squares {
  std::atomic<std::int64_t> made = 0;
  std::atomic<std::int64_t> waiting = 0;  ///< cost of what was made and not taken yet, or is being made
  std::atomic<std::int64_t> most = 0;
  Ahead<std::int64_t, std::int64_t> ahead;
  Squares(std::int64_t bound, int threads)
      : ahead({[this](const std::int64_t& key) { return make(key); }, [](const std::int64_t& key) { return key; }},
              bound, threads) {}
  std::int64_t make(std::int64_t key) {
    const std::int64_t now = waiting += key;
    for (std::int64_t before = most; before < now && !most.compare_exchange_weak(before, now);) {
    }
    ++made;
    if (key % 13 == 0) throw InvalidArgument("no square of " + std::to_string(key));
    return key * key;
  }
  std::int64_t take(std::int64_t key) {
    waiting -= key;  // before: its room is another's as soon as it is taken
    return ahead.take(key);
  }
};

}  // namespace

TEST_CASE("what is made ahead is what was expected, each once, within its bound, whatever the threads") {
  for (const int threads : {1, 3}) {
    Squares squares(40, threads);
    std::vector<std::int64_t> keys;
    for (std::int64_t key = 1; key <= 30; ++key) keys.push_back(key);
    CHECK(squares.ahead.expect(keys).size() <= keys.size());
    for (const std::int64_t key : keys) {
      if (key % 13 == 0) {
        CHECK_THROWS_WITH(squares.take(key), "no square of " + std::to_string(key));
      } else {
        CHECK(squares.take(key) == key * key);
      }
    }
    CHECK(squares.made == 30);
    CHECK(squares.most <= 40 + 30);  // and one that is taken before its turn
  }
}

TEST_CASE("what is no longer expected makes room, what was made stays, and anything may be taken") {
  Squares squares(10, 2);
  const std::int64_t first[] = {4, 5, 50, 6};
  (void)squares.ahead.expect(first);
  REQUIRE(comes_true([&] { return squares.made == 2; }));  // 50 does not fit beside them, and 6 comes after it
  const std::int64_t second[] = {7, 5};
  const auto waiting = squares.ahead.expect(second);
  CHECK(std::ranges::find(waiting, 5) == waiting.end());
  CHECK(squares.ahead.take(5) == 25);
  CHECK(squares.ahead.take(8) == 64);  // nobody expected it
  CHECK(squares.ahead.take(7) == 49);
  CHECK(squares.made == 4);
  const std::int64_t large[] = {1000};  // one is always let in
  (void)squares.ahead.expect(large);
  CHECK(comes_true([&] { return squares.made == 5; }));
  CHECK(squares.ahead.take(1000) == 1000000);
}

TEST_CASE("background tasks keep their order, and the first error is thrown to whoever gives the next one") {
  std::vector<int> done;
  {
    Background background(2);
    for (int i = 0; i < 20; ++i) background.run([&done, i] { done.push_back(i); });
  }  // finishes what was given
  REQUIRE(done.size() == 20);
  CHECK(std::ranges::is_sorted(done));
  Background background(3);
  background.run([] { throw IoError("a file", "disk full"); });
  background.run([&] { done.push_back(20); });
  CHECK_THROWS_AS(background.finish(), IoError);
  CHECK_THROWS_AS(background.run([&] { done.push_back(21); }), IoError);
  CHECK(done.size() == 20);
}

TEST_CASE("descriptors are found before they are stored, and after") {
  class Slow final : public DescriptorDiskCache {
   public:
    explicit Slow(const std::atomic<bool>& go) : go_(go) {}
    std::shared_ptr<const CachedDescriptors> find(const std::string& /*key*/, std::int64_t /*rows*/,
                                                  std::int64_t /*columns*/, std::string& damage) override {
      damage = "asked";
      return nullptr;
    }
    void store(const std::string& key, MatrixView /*descriptors*/) override {
      if (!comes_true([&] { return go_.load(); }) || key == "full") throw IoError(key, "disk full");
    }

   private:
    const std::atomic<bool>& go_;
  };
  std::atomic<bool> go = false;
  DescriptorsBehind behind(std::make_unique<Slow>(go));
  const auto given = std::make_shared<const CachedDescriptors>(Matrix(2, 3));
  behind.store("key", given);
  behind.store("key", given);
  std::string damage;
  CHECK(behind.find("key", 2, 3, damage) == given);
  CHECK(behind.find("other", 2, 3, damage) == nullptr);
  go = true;
  behind.finish();
  CHECK(behind.find("key", 2, 3, damage) == nullptr);  // the cache's own answer
  CHECK(damage == "asked");
  behind.store("full", given);
  CHECK_THROWS_AS(behind.finish(), IoError);
}

TEST_CASE("images of the next pairs are described while the last ones are matched") {
  constexpr std::int64_t kKeypoints = 5;
  MemoryImageSource source;
  for (int image = 0; image < 12; ++image) {
    PatchSet patches(kKeypoints, 2, 2);
    for (std::int64_t k = 0; k < kKeypoints; ++k) {
      std::fill_n(patches.mutable_patch(k), 4, static_cast<std::uint8_t>(11 * image + k));
    }
    source.add(std::to_string(image), std::move(patches));
  }
  NetworkSpec spec;
  spec.name = "tiny";
  spec.input = Extent{2, 2};
  spec.streams = {Stream{{}, {Linear{4, static_cast<int>(kFakeLength)}}}};
  spec.coupling = Coupling::siamese;
  spec.decision = DecisionMetric{DecisionMetric::Kind::l2, false};
  const auto counts = std::make_shared<Counts>();
  Engine engine(random_model(spec, 1), std::make_unique<FakeBackend>(std::int64_t{1} << 20, 64, counts),
                ExecutionOptions{});
  const auto pairs = PairSelection::exhaustive(12);
  const auto plan = make_plan(engine, source, pairs, {.tile_keypoints = 2 * kKeypoints});
  REQUIRE(plan.blocks.size() > 3);
  bool described = false;
  std::int64_t seen = 0;
  const auto run = match_collection({engine, source, pairs, plan}, [&](ImagePair, std::span<const Match>) {
    // The first pair needs two images; without anything else the third is described before this returns.
    if (++seen == 1) described = comes_true([&] { return counts->described > 2 * kKeypoints; });
  });
  CHECK(described);
  CHECK(seen == pairs.count());
  CHECK(run.described == 12 * kKeypoints);
  CHECK(run.stages.describe > 0);
  CHECK(run.stages.match > 0);
  const auto [name, seconds] = run.stages.slowest();
  CHECK(!std::string(name).empty());
  for (const double stage : {run.stages.read, run.stages.describe, run.stages.match, run.stages.write}) {
    CHECK(stage <= seconds);
  }
}
