// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/thread_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/available_memory.hpp"
#include "twinpatch/core/available_threads.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/run_control.hpp"

using namespace twinpatch;
using Catch::Contains;
using test::message_of;

TEST_CASE("ranges cover the count once, and do not depend on the number of threads") {
  using Range = std::pair<std::int64_t, std::int64_t>;
  for (const std::int64_t count : {0, 1, 6, 7, 8, 100, 257}) {
    std::vector<std::set<Range>> seen;
    for (const int threads : {1, 2, 5}) {
      ThreadPool pool(threads);
      CHECK(pool.threads() == threads);
      std::mutex mutex;
      std::set<Range> ranges;
      std::vector<int> touched(static_cast<std::size_t>(count));
      pool.for_ranges(count, 7, [&](std::int64_t begin, std::int64_t end, int worker) {
        const std::lock_guard lock(mutex);
        CHECK((worker >= 0 && worker < threads));
        CHECK((end > begin && end - begin <= 7));
        ranges.emplace(begin, end);
        for (std::int64_t i = begin; i < end; ++i) ++touched[static_cast<std::size_t>(i)];
      });
      CHECK(std::all_of(touched.begin(), touched.end(), [](int times) { return times == 1; }));
      seen.push_back(ranges);
    }
    CHECK(seen[0] == seen[1]);
    CHECK(seen[0] == seen[2]);
  }
}

TEST_CASE("the exception of the lowest range is thrown again and the pool goes on") {
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 50; ++round) {
      const auto message = message_of<Error>([&] {
        pool.for_ranges(64, 1, [&](std::int64_t begin, std::int64_t, int) {
          if (begin == 3) std::this_thread::sleep_for(std::chrono::microseconds(100));  // later ones throw first
          if (begin >= 3) throw Error("range " + std::to_string(begin));
        });
      });
      CHECK(message == "range 3");
    }
    std::atomic<int> done = 0;
    pool.for_ranges(10, 1, [&](std::int64_t, std::int64_t, int) { ++done; });
    CHECK(done == 10);
    CHECK_THROWS_AS(pool.for_ranges(5, 1, [](std::int64_t, std::int64_t, int) { throw Interrupted(); }), Interrupted);
  }
}

TEST_CASE("a loop within a loop of the same pool runs in place, by the same worker") {
  ThreadPool pool(3);
  ThreadPool other(2);
  std::atomic<int> inner = 0;
  std::atomic<int> elsewhere = 0;
  std::atomic<bool> same = true;
  pool.for_ranges(20, 1, [&](std::int64_t, std::int64_t, int worker) {
    pool.for_ranges(5, 2, [&](std::int64_t begin, std::int64_t end, int inner_worker) {
      if (inner_worker != worker) same = false;
      inner += static_cast<int>(end - begin);
    });
    other.for_ranges(4, 1, [&](std::int64_t, std::int64_t, int) { ++elsewhere; });
  });
  CHECK(inner == 100);
  CHECK(elsewhere == 80);
  CHECK(same);
}

TEST_CASE("calls from several threads take turns: no worker number is used twice at once") {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads));
    std::atomic<bool> clash = false;
    std::atomic<int> done = 0;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&] {
        for (int round = 0; round < 100; ++round) {
          pool.for_ranges(9, 2, [&](std::int64_t begin, std::int64_t end, int worker) {
            if (busy[static_cast<std::size_t>(worker)].fetch_add(1) != 0) clash = true;
            done += static_cast<int>(end - begin);
            busy[static_cast<std::size_t>(worker)].fetch_sub(1);
          });
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK_FALSE(clash);
    CHECK(done == 4 * 100 * 9);
  }
}

TEST_CASE("workers carry a name and numbers out of bounds are refused") {
  ThreadPool pool(2);
  std::mutex mutex;
  std::set<std::string> names;
  std::atomic<int> inside = 0;
  pool.for_ranges(2, 1, [&](std::int64_t, std::int64_t, int worker) {
    ++inside;
    while (inside < 2) std::this_thread::yield();  // each thread gets one of the two ranges
    std::array<char, 32> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    const std::lock_guard lock(mutex);
    if (worker > 0) names.insert(name.data());
  });
  CHECK(names == std::set<std::string>{"twinpatch-1"});
  std::mutex begun_mutex;
  std::multiset<int> begun;
  ThreadPool(4, [&](int worker) {
    const std::lock_guard lock(begun_mutex);
    begun.insert(worker);
  });
  CHECK(begun == std::multiset<int>{1, 2, 3});
  CHECK(ThreadPool(0).threads() >= 1);
  CHECK_THAT(message_of<InvalidArgument>([] { ThreadPool{-1}; }), Contains("expected 0 to 4096, found -1"));
  CHECK_THROWS_AS(ThreadPool(1'000'000), InvalidArgument);
  const auto nothing = [](std::int64_t, std::int64_t, int) {};
  CHECK_THROWS_AS(pool.for_ranges(-1, 1, nothing), InvalidArgument);
  CHECK_THROWS_AS(pool.for_ranges(5, 0, nothing), InvalidArgument);
}

namespace {

/// A host's /proc and /sys with one control group.
class ControlGroups {
 public:
  explicit ControlGroups(std::string_view groups) {
    std::filesystem::create_directories(folder_ / "proc/self");
    (void)folder_.file("proc/self/cgroup", groups);
  }
  void file(const std::string& name, std::string_view content) const {
    const auto path = "sys/fs/cgroup" / std::filesystem::path(name);
    std::filesystem::create_directories((folder_ / path).parent_path());
    (void)folder_.file(path, content);
  }
  [[nodiscard]] int threads() const { return available_threads(folder_.path()); }

 private:
  test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("a control group's quota of processor time counts as threads") {
  const int all = ControlGroups("").threads();
  CHECK(all == available_threads("/nowhere"));
  CHECK(all >= 1);

  ControlGroups second("0::/job_7/step\n");
  second.file("job_7/step/cpu.max", "max 100000\n");
  CHECK(second.threads() == all);
  second.file("job_7/cpu.max", "50000 100000\n");  // the group around it counts too; half a processor is one thread
  CHECK(second.threads() == 1);
  second.file("job_7/cpu.max", "100000000 100000\n");
  CHECK(second.threads() == all);
  second.file("cpu.max", "100000 100000\n");  // a container's own group, at the root of what it sees
  CHECK(second.threads() == 1);

  ControlGroups first("12:memory:/x\n4:cpu,cpuacct:/docker/af3\n");
  first.file("memory/x/cpu.cfs_quota_us", "1\n");  // another controller's group
  first.file("memory/x/cpu.cfs_period_us", "100000\n");
  CHECK(first.threads() == all);
  first.file("cpu,cpuacct/docker/af3/cpu.cfs_quota_us", "-1\n");
  first.file("cpu,cpuacct/docker/af3/cpu.cfs_period_us", "100000\n");
  CHECK(first.threads() == all);
  first.file("cpu,cpuacct/docker/af3/cpu.cfs_quota_us", "100000\n");
  CHECK(first.threads() == 1);
  if (all >= 2) {
    first.file("cpu,cpuacct/docker/af3/cpu.cfs_quota_us", "150000\n");
    CHECK(first.threads() == 2);
  }
  ControlGroups odd("nonsense\n0::\n::\n");
  odd.file("cpu.max", "0 0\n");
  CHECK(odd.threads() == all);
}

TEST_CASE("available memory is that of the system, or of a limit on the process") {
  CHECK(available_memory() > 1 << 20);
  const test::TemporaryFolder folder;
  CHECK(available_memory(folder.path()) == std::numeric_limits<std::int64_t>::max());
  std::filesystem::create_directories(folder / "proc");
  (void)folder.file("proc/meminfo", "MemTotal:       200 kB\nMemAvailable:    100 kB\n");
  CHECK(available_memory(folder.path()) == 102400);
}
