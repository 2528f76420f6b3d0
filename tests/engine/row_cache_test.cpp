// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/engine/row_cache.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace twinpatch {
namespace {

struct SomeRows final : Rows {
  explicit SomeRows(std::int64_t bytes) : its_bytes(bytes) {}
  std::int64_t size() const override { return 1; }
  std::int64_t bytes() const override { return its_bytes; }
  Side side() const override { return Side::left; }
  std::int64_t its_bytes;
};

/// Makes rows of 10 bytes and counts how often.
struct Maker {
  DescriptorCache::Make operator()() {
    return [this] {
      ++made;
      return std::make_shared<SomeRows>(10);
    };
  }
  std::atomic<int> made = 0;
};

}  // namespace

TEST_CASE("a cache makes each entry once and lets the least recently used go") {
  DescriptorCache cache(30);
  Maker maker;
  for (const char* key : {"a", "b", "c", "a", "b", "c"}) (void)cache.get(key, maker());
  CHECK(maker.made == 3);
  (void)cache.get("a", maker());
  (void)cache.get("d", maker());  // b goes
  CHECK(maker.made == 4);
  (void)cache.get("a", maker());
  (void)cache.get("c", maker());
  CHECK(maker.made == 4);
  (void)cache.get("b", maker());
  CHECK(maker.made == 5);
  const auto statistics = cache.statistics();
  CHECK(statistics.bytes == 30);
  CHECK(statistics.misses == 5);
  CHECK(statistics.hits == 6);
  CHECK(statistics.evictions == 2);
}

TEST_CASE("what a caller holds stays alive, and what is larger than the cache is handed out") {
  DescriptorCache cache(5);
  Maker maker;
  const auto held = cache.get("a", maker());
  CHECK(held->bytes() == 10);
  CHECK(cache.statistics().bytes == 0);
  (void)cache.get("a", maker());
  CHECK(maker.made == 2);
  CHECK_THROWS_AS(DescriptorCache(-1), InvalidArgument);
}

TEST_CASE("threads that ask together wait for the one that makes it") {
  DescriptorCache cache(100);
  Maker maker;
  std::latch start(4);
  std::vector<std::jthread> threads;
  std::atomic<int> got = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      const auto rows = cache.get("a", [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return maker()();
      });
      if (rows != nullptr) ++got;
    });
  }
  threads.clear();
  CHECK(got == 4);
  CHECK(maker.made == 1);
}

TEST_CASE("a failure reaches everyone who waits, and the key can be tried again") {
  DescriptorCache cache(100);
  std::latch start(3);
  std::atomic<int> failed = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      try {
        (void)cache.get("a", []() -> std::shared_ptr<const Rows> {
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          throw std::runtime_error("no");
        });
      } catch (const std::runtime_error&) {
        ++failed;
      }
    });
  }
  threads.clear();
  CHECK(failed == 3);
  Maker maker;
  CHECK(cache.get("a", maker()) != nullptr);
  CHECK_THROWS_AS(cache.get("b", [] { return std::shared_ptr<const Rows>(); }), InvalidArgument);
}

}  // namespace twinpatch
