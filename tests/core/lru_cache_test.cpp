// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/lru_cache.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "twinpatch/core/run_control.hpp"

namespace twinpatch {
namespace {

/// Makes strings and counts how often.
struct Maker {
  auto operator()(std::string value) {
    return [this, value = std::move(value)] {
      ++made;
      return value;
    };
  }
  int made = 0;
};

std::int64_t length(const std::string& value) { return std::ssize(value); }

}  // namespace

TEST_CASE("a cache makes each value once and lets the least recently used go") {
  LruCache<int, std::string> cache(30, length);
  Maker maker;
  const std::string ten(10, 'x');
  for (const int key : {1, 2, 3, 1, 2, 3}) CHECK(cache.get(key, maker(ten)) == ten);
  CHECK(maker.made == 3);
  (void)cache.get(1, maker(ten));
  (void)cache.get(4, maker(ten));
  CHECK(maker.made == 4);
  CHECK(!cache.holds(2));
  for (const int key : {1, 3, 4}) CHECK(cache.holds(key));
  CHECK(cache.used() == 30);
  CHECK(cache.misses() == 4);
  CHECK(cache.hits() == 4);
  (void)cache.get(5, maker(std::string(11, 'y')));  // two must go: 3, then 1, used last before 4
  CHECK(cache.used() == 21);
  CHECK(cache.holds(4));
  cache.clear();
  CHECK(cache.used() == 0);
  CHECK(!cache.holds(4));
}

TEST_CASE("what is larger than the cache is handed out and drives nothing out") {
  LruCache<int, std::string> cache(5, length);
  Maker maker;
  (void)cache.get(1, maker("abc"));
  CHECK(cache.get(2, maker("abcdef")) == "abcdef");
  CHECK(!cache.holds(2));
  CHECK(cache.holds(1));
  CHECK_THROWS_AS((LruCache<int, int>(-1)), InvalidArgument);
}

TEST_CASE("a cache counts values where nothing else is said, and a failure leaves it as it was") {
  LruCache<std::string, std::shared_ptr<int>> cache(2);
  const auto make = [] { return std::make_shared<int>(7); };
  for (const char* key : {"a", "b", "c"}) CHECK(*cache.get(key, make) == 7);
  CHECK(!cache.holds("a"));
  CHECK(cache.used() == 2);
  CHECK_THROWS_AS(cache.get("d", []() -> std::shared_ptr<int> { throw IoError("d", "cannot read", 5); }), IoError);
  CHECK(!cache.holds("d"));
  CHECK(cache.holds("b"));
}

TEST_CASE("a quiet control stops and reports nothing, and of a part only the advance is reported") {
  struct Recorder final : Progress {
    void begin(std::string_view /*stage*/, std::int64_t /*total*/, std::string_view /*unit*/) override { ++stages; }
    void advance(std::int64_t count) override { units += count; }
    void end() override { ++stages; }
    int stages = 0;
    std::int64_t units = 0;
  } recorder;
  std::stop_source stop;
  const RunControl control{stop.get_token(), &recorder};
  control.quiet().advance(3);
  CHECK(recorder.units == 0);
  AdvanceOnly part(control.progress, 10);
  const RunControl inner{control.stop, &part};
  inner.begin("a part", 3, "things");
  inner.advance(3);
  inner.end();
  CHECK(recorder.units == 30);
  CHECK(recorder.stages == 0);
  AdvanceOnly(nullptr).advance(1);
  stop.request_stop();
  CHECK_THROWS_AS(control.quiet().check(), Interrupted);
}

}  // namespace twinpatch
