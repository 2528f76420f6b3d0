// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/launch.cuh"
#include "runtime/shared_memory.cuh"
#include "simt/simt.hpp"
#include "support/random.hpp"

// The stand-in carries out right kernels and exposes wrong ones.

using namespace twinpatch;
using namespace twinpatch::cuda;

namespace {

constexpr int kThreads = 96;
test::Random fresh(2015);  // NOLINT: one stream of numbers for the file

/// y[i] = a·x[i]; grid-stride.
__global__ void scale(const float* x, float* y, std::int64_t n, float a) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride) y[i] = a * x[i];
}

/// Sums of blocks of kThreads; with `kBarrier` false the barriers between the steps are missing.
template <bool kBarrier>
__global__ void block_sums(const float* x, float* sums, std::int64_t n) {
  __shared__ float partial[kThreads];
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  partial[threadIdx.x] = i < n ? x[i] : 0.0f;
  if (kBarrier) __syncthreads();
  for (int width = kThreads / 2; width >= 3; width /= 2) {
    if (static_cast<int>(threadIdx.x) < width) partial[threadIdx.x] += partial[threadIdx.x + width];
    if (kBarrier) __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = partial[0] + partial[1] + partial[2];
}

/// Transposes tiles of 32×32 in dynamic shared memory, then reads the tile again: the second barrier keeps a fast
/// thread from overwriting what a slow one has not read.
template <bool kSecondBarrier>
__global__ void transpose_twice(const int* x, int* y) {
  int* tile = reinterpret_cast<int*>(dynamic_shared_memory());
  for (int round = 0; round < 2; ++round) {
    tile[threadIdx.y * 33 + threadIdx.x] = x[round * 1024 + threadIdx.y * 32 + threadIdx.x];
    __syncthreads();
    y[round * 1024 + threadIdx.y * 32 + threadIdx.x] = tile[threadIdx.x * 33 + threadIdx.y];
    if (kSecondBarrier) __syncthreads();
  }
}

__global__ void warp_functions(const int* x, int* out) {
  const unsigned all = 0xFFFFFFFFu;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  int value = x[threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(all, value, offset);
  out[threadIdx.x] = value;
  out[64 + threadIdx.x] = __shfl_up_sync(all, x[threadIdx.x], 3);
  out[128 + threadIdx.x] = __shfl_down_sync(all, x[threadIdx.x], 5, 8);
  out[192 + threadIdx.x] = static_cast<int>(__ballot_sync(all, lane % 3 == 0));
  out[256 + threadIdx.x] = __shfl_sync(all, x[threadIdx.x], 7);
  // Halves of a warp on their own.
  int half = -1;
  if (lane < 16) {
    half = __reduce_add_sync(0x0000FFFFu, x[threadIdx.x]);
  } else {
    half = __reduce_max_sync(0xFFFF0000u, x[threadIdx.x]);
  }
  out[320 + threadIdx.x] = half;
}

__global__ void half_of_a_warp_is_missing(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xFFFFFFFFu, 1, 0);
  __syncthreads();
}

/// The null pointer among others, which is what the stand-in is to notice, not the sanitizer.
__attribute__((no_sanitize("null"))) __global__ void write_at(float* x, std::int64_t index) { x[index] = 1.0f; }
__global__ void read_at(const float* x, std::int64_t index, float* out) { *out = x[index]; }
/// Writes what it reads only where `written` says so.
__global__ void uninitialised_shared(float* out, bool written) {
  __shared__ float values[4];
  if (written) values[threadIdx.x] = 1.0f;
  out[threadIdx.x] = values[threadIdx.x];
}

__global__ void count(unsigned* total, unsigned* last_block) {
  atomicAdd(total, 1u);
  __syncthreads();
  if (threadIdx.x == 0 && atomicAdd(last_block, 1u) == gridDim.x - 1) *last_block = *total;
}

__global__ void half_pairs(const float* x, const float* y, float* out) {
  const __half2 product =
      __hfma2_relu(__floats2half2_rn(x[0], x[1]), __floats2half2_rn(y[0], y[1]), __float2half2_rn(0.25f));
  out[0] = __low2float(product);
  out[1] = __high2float(product);
}

std::vector<float> run_sums(bool barrier, std::uint64_t seed, const std::vector<float>& x) {
  const simt::Machine machine({.seed = seed});
  Context context(0);
  auto in = upload<float>(context.pool(), x, context.compute());
  const std::int64_t blocks = ceil_divide(in.size(), kThreads);
  DeviceBuffer<float> sums(context.pool(), blocks, context.compute());
  const LaunchShape shape{.grid = {blocks}, .block = dim3(kThreads)};
  if (barrier) {
    launch(context.compute(), shape, "block_sums", &block_sums<true>, in.data(), sums.data(), in.size());
  } else {
    launch(context.compute(), shape, "block_sums", &block_sums<false>, in.data(), sums.data(), in.size());
  }
  std::vector<float> out(static_cast<std::size_t>(blocks));
  copy_to_host<float>(sums.view(), out, context.compute());
  context.synchronize();
  return out;
}

}  // namespace

TEST_CASE("a kernel runs over every element, whatever the size") {
  for (const std::int64_t n : {0, 1, 31, 257, 5000}) {
    const simt::Machine machine({.seed = static_cast<std::uint64_t>(n) + 1});
    Context context(0);
    std::vector<float> x(static_cast<std::size_t>(n));
    for (float& value : x) value = static_cast<float>(fresh.uniform(-1.0, 1.0));
    auto in = upload<float>(context.pool(), x, context.compute());
    DeviceBuffer<float> out(context.pool(), n, context.compute());
    launch(context.compute(), {.grid = {blocks_for(n, 64, 3)}, .block = dim3(64)}, "scale", &scale, in.data(),
           out.data(), n, 2.0f);
    std::vector<float> y(x.size());
    copy_to_host<float>(out.view(), y, context.compute());
    context.synchronize();
    for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(y[i] == 2.0f * x[i]);
    CHECK(simt::statistics().launches == (n > 0 ? 1 : 0));
  }
}

TEST_CASE("a missing barrier gives wrong sums, the right kernel never does") {
  std::vector<float> x(kThreads * 5 + 17);
  for (float& value : x) value = static_cast<float>(fresh.below(100));
  std::vector<float> expected(6);
  for (std::size_t i = 0; i < x.size(); ++i) expected[i / kThreads] += x[i];
  int exposed = 0;
  constexpr int kSeeds = 20;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CHECK(run_sums(true, seed, x) == expected);
    if (run_sums(false, seed, x) != expected) ++exposed;
  }
  CHECK(exposed >= kSeeds * 3 / 4);
}

TEST_CASE("a missing second barrier lets fast threads overwrite what slow ones have not read") {
  std::vector<int> x(2048);
  std::iota(x.begin(), x.end(), 0);
  std::vector<int> expected(2048);
  for (int i = 0; i < 2048; ++i) expected[static_cast<std::size_t>(i)] = i / 1024 * 1024 + i % 32 * 32 + i % 1024 / 32;
  const auto run = [&](bool second, std::uint64_t seed) {
    const simt::Machine machine({.seed = seed});
    Context context(0);
    auto in = upload<int>(context.pool(), x, context.compute());
    DeviceBuffer<int> out(context.pool(), 2048, context.compute());
    const LaunchShape shape{.grid = {1}, .block = dim3(32, 32), .shared = 32 * 33 * 4};
    launch(context.compute(), shape, "transpose_twice", second ? &transpose_twice<true> : &transpose_twice<false>,
           in.data(), out.data());
    std::vector<int> y(2048);
    copy_to_host<int>(out.view(), y, context.compute());
    context.synchronize();
    return y;
  };
  int exposed = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CHECK(run(true, seed) == expected);
    if (run(false, seed) != expected) ++exposed;
  }
  CHECK(exposed >= 9);
}

TEST_CASE("warp functions exchange what CUDA says they do") {
  std::vector<int> x(64);
  for (int& value : x) value = static_cast<int>(fresh.below(1000));
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const simt::Machine machine({.seed = seed});
    Context context(0);
    auto in = upload<int>(context.pool(), x, context.compute());
    DeviceBuffer<int> out(context.pool(), 384, context.compute());
    launch(context.compute(), {.grid = {1}, .block = dim3(64)}, "warp_functions", &warp_functions, in.data(),
           out.data());
    std::vector<int> y(384);
    copy_to_host<int>(out.view(), y, context.compute());
    context.synchronize();
    for (int t = 0; t < 64; ++t) {
      const int warp = t / 32 * 32;
      const int lane = t % 32;
      const auto at = [&](int i) { return x[static_cast<std::size_t>(i)]; };
      const auto got = [&](int what) { return y[static_cast<std::size_t>(64 * what + t)]; };
      CHECK(got(0) == std::accumulate(x.begin() + warp, x.begin() + warp + 32, 0));
      CHECK(got(1) == at(lane < 3 ? t : t - 3));
      CHECK(got(2) == at(lane % 8 + 5 > 7 ? t : t + 5));
      CHECK(got(3) == 0x49249249);
      CHECK(got(4) == at(warp + 7));
      CHECK(got(5) == (lane < 16 ? std::accumulate(x.begin() + warp, x.begin() + warp + 16, 0)
                                 : *std::max_element(x.begin() + warp + 16, x.begin() + warp + 32)));
    }
  }
}

TEST_CASE("threads that wait for others that never come are a fault, with the kernel's name") {
  const simt::Machine machine({});
  Context context(0);
  DeviceBuffer<int> out(context.pool(), 64, context.compute());
  // At the launch or later, by the machine's eagerness.
  const auto run = [&] {
    launch(context.compute(), {.grid = {1}, .block = dim3(32)}, "half", &half_of_a_warp_is_missing, out.data());
    context.synchronize();
  };
  CHECK_THROWS_AS(run(), DeviceError);
  CHECK_THAT(simt::last_fault(), Catch::Contains("half_of_a_warp_is_missing") && Catch::Contains("never come"));
  // The device is lost for good, and says so.
  CHECK_THROWS_WITH(context.synchronize(), Catch::Contains("the device is lost"));
}

TEST_CASE("writes beyond an allocation, into freed memory and through host pointers are faults") {
  const auto fault_of = [](auto misuse) {
    const simt::Machine machine({.seed = 3});
    {
      Context context(0);
      CHECK_THROWS_AS(misuse(context), DeviceError);
    }
    return simt::last_fault();
  };
  const LaunchShape one{.grid = {1}, .block = dim3(1)};
  // Far beyond: the page behind is never open. (Within 256 bytes the borders are looked at.)
  CHECK_THAT(fault_of([&](Context& context) {
               DeviceBuffer<float> x(context.pool(), 100, context.compute());
               launch(context.compute(), one, "write_at", &write_at, x.data(), std::int64_t{300});
               context.synchronize();
             }),
             Catch::Contains("write_at") && Catch::Contains("past the end"));
#if !defined(__SANITIZE_ADDRESS__)  // which ends the program with its own report
  CHECK_THAT(fault_of([&](Context& context) {
               DeviceBuffer<float> x(context.pool(), 100, context.compute());
               launch(context.compute(), one, "write_at", &write_at, x.data(), std::int64_t{100});
               context.synchronize();
             }),
             Catch::Contains("write_at") && Catch::Contains("bytes beside"));
#endif
  CHECK_THAT(fault_of([&](Context& context) {
               DeviceBuffer<float> out(context.pool(), 1, context.compute());
               DeviceBuffer<float> x(context.pool(), 100, context.compute());
               const float* dangling = x.data();
               x.reset();
               launch(context.compute(), one, "read_at", &read_at, dangling, std::int64_t{0}, out.data());
               context.synchronize();
             }),
             Catch::Contains("freed"));
  CHECK_THAT(fault_of([&](Context& context) {
               float host = 0.0f;
               launch(context.compute(), one, "write_at", &write_at, &host, std::int64_t{0});
               context.synchronize();
             }),
             Catch::Contains("not device memory"));
  CHECK_THAT(fault_of([&](Context& context) {
               launch(context.compute(), one, "write_at", &write_at, static_cast<float*>(nullptr), std::int64_t{0});
               context.synchronize();
             }),
             Catch::Contains("write_at") && Catch::Contains("not device memory"));
}

TEST_CASE("shared memory that nobody wrote is not a number, whatever ran before") {
  const simt::Machine machine({});
  Context context(0);
  DeviceBuffer<float> out(context.pool(), 4, context.compute());
  for (const bool written : {true, false}) {
    launch(context.compute(), {.grid = {1}, .block = dim3(4)}, "uninitialised_shared", &uninitialised_shared,
           out.data(), written);
    std::vector<float> y(4);
    copy_to_host<float>(out.view(), y, context.compute());
    context.synchronize();
    for (const float value : y) CHECK(std::isnan(value) == !written);
  }
}

TEST_CASE("atomics count every thread, and the last block sees the total") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const simt::Machine machine({.seed = seed});
    Context context(0);
    DeviceBuffer<unsigned> totals(context.pool(), 2, context.compute());
    TWINPATCH_CUDA_CHECK(cudaMemsetAsync(totals.data(), 0, 8, context.compute()));
    launch(context.compute(), {.grid = {7}, .block = dim3(33)}, "count", &count, totals.data(), totals.data() + 1);
    std::vector<unsigned> y(2);
    copy_to_host<unsigned>(totals.view(), y, context.compute());
    context.synchronize();
    CHECK(y[0] == 7 * 33);
    CHECK(y[1] == 7 * 33);
  }
}

TEST_CASE("a fused half product is rounded once") {
  const simt::Machine machine({});
  Context context(0);
  // 1.0009765625² + 0.25 = 1.2519540786743164: between two halves, nearer to 1.2519531.
  const std::vector<float> x = {1.0009765625f, -3.0f};
  auto in = upload<float>(context.pool(), x, context.compute());
  DeviceBuffer<float> out(context.pool(), 2, context.compute());
  const std::vector<float> y = {1.0009765625f, 2.0f};
  auto in2 = upload<float>(context.pool(), y, context.compute());
  launch(context.compute(), {.grid = {1}, .block = dim3(1)}, "half_pairs", &half_pairs, in.data(), in2.data(),
         out.data());
  std::vector<float> result(2);
  copy_to_host<float>(out.view(), result, context.compute());
  context.synchronize();
  CHECK(result[0] == 1.251953125f);
  CHECK(result[1] == 0.0f);
}

TEST_CASE("a launch of an impossible shape names the kernel, an empty one does nothing") {
  const simt::Machine machine({});
  Context context(0);
  const auto try_shape = [&](const LaunchShape& shape) {
    launch(context.compute(), shape, "write_at", &write_at, static_cast<float*>(nullptr), std::int64_t{0});
  };
  try_shape({.grid = {0}});
  try_shape({.grid = {1, 0}});
  CHECK_THROWS_WITH(try_shape({.grid = {std::int64_t{1} << 31}}), Catch::Contains("kernel write_at"));
  CHECK_THROWS_WITH(try_shape({.grid = {1, 65536}}), Catch::Contains("1x65536x1"));
  CHECK_THROWS_AS(try_shape({.grid = {1}, .block = dim3(1025)}), InvalidArgument);
  CHECK_THROWS_WITH(try_shape({.grid = {1}, .shared = 300 * 1024}), Catch::Contains("shared memory"));
  CHECK(simt::statistics().launches == 0);
}
