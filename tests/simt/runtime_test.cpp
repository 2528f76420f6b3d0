// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <catch2/catch.hpp>
#include <type_traits>
#include <vector>

#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/graph.hpp"
#include "runtime/nvtx.hpp"
#include "runtime/pinned.hpp"
#include "simt/simt.hpp"

// The runtime layer: what it says where CUDA does not work, what it bounds, and what it leaves behind when calls fail.

using namespace twinpatch;
using namespace twinpatch::cuda;

static_assert(std::is_nothrow_move_constructible_v<DeviceBuffer<float>>);
static_assert(std::is_nothrow_move_assignable_v<DeviceBuffer<float>>);
static_assert(!std::is_copy_constructible_v<DeviceBuffer<float>>);
static_assert(std::is_nothrow_move_constructible_v<PinnedBuffer<float>>);
static_assert(!std::is_copy_constructible_v<PinnedBuffer<float>>);
static_assert(!std::is_move_constructible_v<DeviceGuard> && !std::is_copy_constructible_v<DeviceGuard>);
static_assert(!std::is_move_constructible_v<Range> && !std::is_copy_constructible_v<Range>);
static_assert(!std::is_move_constructible_v<Context>);
static_assert(std::is_nothrow_destructible_v<Context> && std::is_nothrow_destructible_v<PinnedRing>);
static_assert(std::is_nothrow_destructible_v<DeviceGuard> && std::is_nothrow_destructible_v<Graph>);

TEST_CASE("no device is said in the words that belong to the reason") {
  struct Case {
    cudaError_t start;
    int driver;
    Obstacle obstacle;
    const char* words;
  };
  const Case cases[] = {{cudaErrorInsufficientDriver, 0, Obstacle::no_driver, "no NVIDIA driver"},
                        {cudaErrorStubLibrary, 0, Obstacle::no_driver, "no NVIDIA driver"},
                        {cudaErrorInsufficientDriver, 12040, Obstacle::driver_too_old, "offers CUDA 12.4"},
                        {cudaErrorNoDevice, 13000, Obstacle::no_device, "no CUDA device"},
                        {cudaErrorUnknown, 13000, Obstacle::other, "cudaErrorUnknown (999)"}};
  for (const Case& one : cases) {
    const simt::Machine machine({.start = one.start, .driver_version = one.driver});
    const DeviceCount count = count_devices();
    CHECK(count.devices == 0);
    CHECK(count.obstacle == one.obstacle);
    CHECK_THAT(count.reason, Catch::Contains(one.words));
    CHECK(cudaGetLastError() == cudaSuccess);  // nothing sticks
    CHECK_THROWS_WITH(Context(0), Catch::Contains(one.words));
    CHECK_THROWS_WITH(parse_devices("cuda"), Catch::Contains("--device cuda") && Catch::Contains(one.words));
    const std::vector<std::string> lines = describe_devices();
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], Catch::Contains("CUDA 13.0") && Catch::Contains(one.words));
  }
  const simt::Machine none({.devices = 0});
  CHECK(count_devices().obstacle == Obstacle::no_device);
}

TEST_CASE("a card without kernels in this program is named, and described as not usable") {
  const simt::Machine machine({.capability_major = 7, .capability_minor = 5, .kernel_image = false});
  CHECK(count_devices().devices == 1);
  const DeviceCount usable = count_usable_devices();
  CHECK(usable.devices == 0);
  CHECK(usable.obstacle == Obstacle::no_kernels);
  CHECK_THAT(usable.reason, Catch::Contains("has no kernels"));
  CHECK_THROWS_WITH(Context(0), Catch::Contains("compute capability 7.5") && Catch::Contains("has no kernels"));
  CHECK_THAT(describe_devices().at(0), Catch::Contains("not usable"));
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("device lists are read, and refused where they make no sense") {
  const simt::Machine machine({.devices = 3});
  CHECK(count_usable_devices().devices == 3);
  CHECK(parse_devices("cuda") == std::vector<int>{0});
  CHECK(parse_devices("cuda:2") == std::vector<int>{2});
  CHECK(parse_devices("cuda:2,0,1") == std::vector<int>{2, 0, 1});
  for (const char* wrong :
       {"cuda:3", "cuda:0,0", "cuda:", "cuda:0,", "cuda:,0", "cuda:-1", "cuda:x", "cuda:0x", "gpu"}) {
    CHECK_THROWS_AS(parse_devices(wrong), InvalidArgument);
  }
  CHECK_THROWS_WITH(parse_devices("cuda:99999999999"), Catch::Contains("expected cuda"));
  CHECK(describe_devices().size() == 3);
}

TEST_CASE("properties hold the device's ceilings") {
  const simt::Machine machine({.memory = 1 << 20});
  const DeviceProperties p = device_properties(0);
  CHECK(p.architecture() == 90);
  CHECK(p.memory == 1 << 20);
  // 4 multiprocessors at 1 GHz, 128 multiply-adds each; 512 bits at 1 GHz, twice a clock.
  CHECK(p.fp32_tflops == Approx(1.024));
  CHECK(p.fp16_tflops == Approx(16.384));
  CHECK(p.memory_gigabytes_per_s == Approx(128.0));
  CHECK_THROWS_WITH(device_properties(1), Catch::Contains("no CUDA device 1: there are 1"));
}

TEST_CASE("errors carry expression, symbol and place, and do not stick") {
  const simt::Machine machine({});
  try {
    TWINPATCH_CUDA_CHECK(cudaSetDevice(7));
    FAIL("no error");
  } catch (const DeviceError& error) {
    CHECK_THAT(error.what(), Catch::Contains("cudaErrorInvalidDevice (101)") && Catch::Contains("cudaSetDevice(7)") &&
                                 Catch::Contains("runtime_test.cpp:"));
  }
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK_THROWS_AS(check(cudaErrorMemoryAllocation, "x"), OutOfMemory);
}

TEST_CASE("the pool counts granules, keeps its bound and gives the numbers when it is reached") {
  const simt::Machine machine({.memory = 1 << 20});
  {
    Context context(0, 8192);
    MemoryPool& pool = context.pool();
    DeviceBuffer<char> first(pool, 1, context.compute());
    CHECK(pool.used() == 512);
    DeviceBuffer<char> second(pool, 513, context.compute());
    CHECK(pool.used() == 512 + 1024);
    CHECK_THROWS_WITH(DeviceBuffer<char>(pool, 8192 - 1536 + 1, context.compute()),
                      Catch::Contains("out of memory") && Catch::Contains("in use"));
    DeviceBuffer<char> rest(pool, 8192 - 1536, context.compute());
    CHECK(pool.available() == 0);
    first.reset();
    second = std::move(first);
    CHECK(pool.used() == 8192 - 1536);
    CHECK(pool.peak() == 8192);
    pool.reset_peak();
    CHECK(pool.peak() == 8192 - 1536);
    CHECK(pool.allocations() == 3);
    CHECK(DeviceBuffer<int>(pool, 0, context.compute()).data() == nullptr);
    CHECK_THROWS_AS(DeviceBuffer<int>(pool, -1, context.compute()), InvalidArgument);
    CHECK_THROWS_AS(DeviceBuffer<int>(pool, INT64_MAX / 2, context.compute()), InvalidArgument);
    CHECK_THROWS_AS(DeviceBuffer<char>(pool, INT64_MAX, context.compute()), Error);
  }
  CHECK(machine.leaks().empty());
}

TEST_CASE("memory that is not there at the start or in the middle is OutOfMemory, and nothing leaks") {
  const simt::Machine machine({.memory = 1 << 20});
  CHECK_THROWS_AS(Context(0, 2 << 20), OutOfMemory);
  {
    // Another program takes the rest of the device.
    Context context(0, 900 << 10);
    void* other = nullptr;
    REQUIRE(cudaMalloc(&other, 600 << 10) == cudaSuccess);
    CHECK_THROWS_WITH(DeviceBuffer<char>(context.pool(), 500 << 10, context.compute()),
                      Catch::Contains("cannot allocate 500.00 KiB") && Catch::Contains("cudaErrorMemoryAllocation"));
    CHECK(context.pool().used() == 0);
    const DeviceBuffer<char> less(context.pool(), 300 << 10, context.compute());  // the run goes on with less
    CHECK(cudaFree(other) == cudaSuccess);
  }
  CHECK(machine.leaks().empty());
}

TEST_CASE("whichever call of a context's life fails, what was made is destroyed again") {
  for (const simt::Call call : {simt::Call::device_allocation, simt::Call::host_allocation, simt::Call::copy}) {
    for (int nth = 1; nth <= 4; ++nth) {
      const simt::Machine machine({.seed = static_cast<std::uint64_t>(nth)});
      simt::fail_call(call, nth, cudaErrorMemoryAllocation);
      try {
        Context context(0);
        PinnedRing ring(256);
        PinnedBuffer<float> out(64);
        DeviceBuffer<float> a(context.pool(), 64, context.compute());
        DeviceBuffer<float> b(context.pool(), 64, context.compute());
        for (int i = 0; i < 3; ++i) {
          PinnedRing::Slot& slot = ring.acquire();
          for (float& value : slot.as<float>()) value = static_cast<float>(i);
          copy_to_device<float>(slot.as<float>(), a.view(), context.compute());
          ring.submit(slot, context.compute());
        }
        copy_on_device<float>(a.view(), b.view(), context.compute());
        DeviceBuffer<float> c(context.pool(), 64, context.compute());
        DeviceBuffer<float> d(context.pool(), 64, context.compute());
        copy_to_host<float>(b.view(), out.view(), context.compute());
        context.synchronize();
        FAIL("the failure asked for did not come");
      } catch (const OutOfMemory&) {
      }
      CHECK(simt::pending_failures() == 0);
      CHECK(machine.leaks().empty());
    }
  }
}

TEST_CASE("a device lost in the middle fails every later call with the same words, and cleans up in silence") {
  const simt::Machine machine({.devices = 2});
  {
    Context context(0);
    Context other(1);
    DeviceBuffer<float> x(context.pool(), 64, context.compute());
    PinnedRing ring(256);
    PinnedRing::Slot& slot = ring.acquire();
    simt::fail_operation(simt::Call::copy, 1, cudaErrorECCUncorrectable);
    copy_to_device<float>(slot.as<float>(), x.view(), context.compute());
    // The call went well or not, by the machine's eagerness; the next that waits does not.
    CHECK_THROWS_WITH((ring.submit(slot, context.compute()), context.synchronize()),
                      Catch::Contains("the device is lost") && Catch::Contains("cudaErrorECCUncorrectable (214)"));
    CHECK_THROWS_WITH(DeviceBuffer<float>(context.pool(), 64, context.compute()), Catch::Contains("ECC"));
    CHECK(cudaGetLastError() == cudaErrorECCUncorrectable);  // cannot be cleared
    const DeviceGuard guard = other.activate();
    DeviceBuffer<float> y(other.pool(), 64, other.compute());  // the other is well
    other.synchronize();
  }
  CHECK(machine.leaks() == "1 device allocation, 256 bytes");  // what a lost device held is lost
}

TEST_CASE("a pinned ring hands out a slot again only when its copy is done") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const simt::Machine machine({.seed = seed});
    Context context(0);
    PinnedRing ring(64);
    CHECK(ring.bytes_per_slot() == 64);
    DeviceBuffer<int> x(context.pool(), 16 * 10, context.copy_in());
    for (int i = 0; i < 10; ++i) {
      PinnedRing::Slot& slot = ring.acquire();
      REQUIRE(slot.as<int>().size() == 16);
      for (int& value : slot.as<int>()) value = i;
      copy_to_device<int>(slot.as<int>(), x.view().subspan(static_cast<std::size_t>(16 * i), 16), context.copy_in());
      ring.submit(slot, context.copy_in());
    }
    ring.drain();
    std::vector<int> y(160);
    copy_to_host<int>(x.view(), y, context.copy_in());
    for (int i = 0; i < 160; ++i) CHECK(y[static_cast<std::size_t>(i)] == i / 16);
  }
}

TEST_CASE("a guard gives the thread its device back, also when something throws") {
  const simt::Machine machine({.devices = 2});
  int device = -1;
  try {
    const DeviceGuard guard(1);
    (void)cudaGetDevice(&device);
    CHECK(device == 1);
    const DeviceGuard wrong(2);
  } catch (const DeviceError&) {
  }
  (void)cudaGetDevice(&device);
  CHECK(device == 0);
}

TEST_CASE("ranges carry domain, category, registered name and amounts, and streams have names") {
  const simt::Machine machine({});
  {
    static const RangeName kTile(Stage::compute, "score_tile");
    static const RangeName kSelect(Stage::select, "select");
    const Range outer(kTile, {.pairs = 12, .bytes = 3456});
    const Range inner(kSelect, {});
    CHECK_FALSE(simt::nvtx_ranges().at(1).closed);
  }
  const std::vector<simt::NvtxRange> ranges = simt::nvtx_ranges();
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[0].domain == "twinpatch");
  CHECK(ranges[0].category == "compute");
  CHECK(ranges[0].name == "score_tile");
  CHECK(ranges[0].pairs == 12);
  CHECK(ranges[0].bytes == 3456);
  CHECK(ranges[1].category == "select");
  CHECK((ranges[0].closed && ranges[1].closed));
  Context context(0);
  CHECK(simt::stream_name(context.copy_in()) == "twinpatch copy in");
  name_this_thread("a name that is too long for the kernel");
  {
    WarmProfile off(false);
    WarmProfile on(true);
    for (int batch = 1; batch <= 5; ++batch) {
      off.next_batch();
      CHECK(simt::profiling() == (batch > 3));
      on.next_batch();
      CHECK(simt::profiling() == (batch >= 3));
    }
  }
  CHECK_FALSE(simt::profiling());
}
