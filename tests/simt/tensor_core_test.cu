// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/tensor_core.cuh"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "runtime/context.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/shared_memory.cuh"
#include "simt/simt.hpp"
#include "support/random.hpp"

// Fragments of tensor cores, and copies that take their time.

using namespace twinpatch;
using namespace twinpatch::cuda;
using namespace twinpatch::cuda::kernels;

namespace {

test::Random fresh(1978);  // NOLINT: one stream of numbers for the file

/// out [16, 8] = in + left [16, 16] · right [8, 16]ᵀ, one warp.
template <class T>
__global__ void product_kernel(const Chunk* left, const Chunk* right, const float* in, float* out) {
  auto* const shared = reinterpret_cast<Chunk*>(dynamic_shared_memory());  // left [16][2], right [8][2]
  const int lane = lane_index();
  copy_async(shared + lane, left + lane, sizeof(Chunk));
  if (lane < 16) copy_async(shared + 32 + lane, right + lane, sizeof(Chunk));
  commit_copies();
  wait_for_copies<0>();
  __syncwarp();
  unsigned a[4];
  unsigned b[4];
  load_matrices(shared + lane % 16 * 2 + lane / 16, a);
  load_matrices(shared + 32 + lane % 8 * 2 + lane / 8 % 2, b);  // its upper two matrices repeat the lower ones
  float sums[4];
  const auto place = [&](int r) { return (lane / 4 + r / 2 * 8) * 8 + lane % 4 * 2 + r % 2; };
  for (int r = 0; r < 4; ++r) sums[r] = in[place(r)];
  multiply_add<T>(sums, a, b[0], b[1]);
  for (int r = 0; r < 4; ++r) out[place(r)] = sums[r];
}

/// Copies 128 chunks in four groups, and writes them out when so many are there.
__global__ void copies_kernel(const Chunk* from, Chunk* to, int bytes, bool wait) {
  auto* const shared = reinterpret_cast<Chunk*>(dynamic_shared_memory());
  const auto thread = static_cast<int>(threadIdx.x);
  for (int group = 0; group < 4; ++group) {
    copy_async(shared + group * 32 + thread, from + group * 32 + thread, bytes);
    commit_copies();
  }
  if (wait) wait_for_copies<2>();
  __syncthreads();
  for (int group = 0; group < 2; ++group) to[group * 32 + thread] = shared[group * 32 + (thread + 1) % 32];
}

__global__ void misaligned_kernel(const Chunk* from, int offset) {
  auto* const shared = dynamic_shared_memory();
  copy_async(reinterpret_cast<Chunk*>(shared + offset), from, sizeof(Chunk));
}

template <class T>
std::vector<Chunk> chunks(const std::vector<float>& values) {
  std::vector<Chunk> result(values.size() / kChunk);
  for (std::size_t i = 0; i < values.size(); ++i) {
    T number{};
    store(number, values[i]);
    result[i / kChunk].numbers[i % kChunk] = number.bits;
  }
  return result;
}

/// Numbers that both formats hold exactly.
std::vector<float> numbers(int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(static_cast<int>(fresh.below(255)) - 127) / 64);
  return values;
}

template <class T>
void check_product(std::uint64_t seed) {
  const simt::Machine machine({.seed = seed});
  Context context(0);
  const auto left = numbers(16 * 16);
  const auto right = numbers(8 * 16);
  const auto begin = numbers(16 * 8);
  const auto a = upload<Chunk>(context.pool(), chunks<T>(left), context.compute());
  const auto b = upload<Chunk>(context.pool(), chunks<T>(right), context.compute());
  const auto in = upload<float>(context.pool(), begin, context.compute());
  DeviceBuffer<float> out(context.pool(), 16 * 8, context.compute());
  launch(context.compute(), {.grid = {1}, .block = dim3(32), .shared = 48 * sizeof(Chunk)}, "product",
         &product_kernel<T>, a.data(), b.data(), in.data(), out.data());
  std::vector<float> sums(16 * 8);
  copy_to_host<float>(out.view(), sums, context.compute());
  context.synchronize();
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      double sum = begin[i * 8 + j];
      for (std::size_t k = 0; k < 16; ++k) sum += static_cast<double>(left[i * 16 + k]) * right[j * 16 + k];
      CHECK(std::abs(sums[i * 8 + j] - sum) <= 1e-5);  // multiples of 2⁻¹², cut off at 2⁻²¹
    }
  }
}

}  // namespace

TEST_CASE("a product of fragments is the product of matrices, whatever lane comes first") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    check_product<Half>(seed);
    check_product<Bfloat16>(seed);
  }
}

TEST_CASE("copies nobody has waited for are not there, most seeds at once") {
  int exposed = 0;
  constexpr int kSeeds = 12;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const bool wait : {true, false}) {
      const simt::Machine machine({.seed = seed});
      Context context(0);
      const auto values = chunks<Half>(numbers(128 * kChunk));
      const auto from = upload<Chunk>(context.pool(), values, context.compute());
      DeviceBuffer<Chunk> to(context.pool(), 64, context.compute());
      launch(context.compute(), {.grid = {1}, .block = dim3(32), .shared = 128 * sizeof(Chunk)}, "copies",
             &copies_kernel, from.data(), to.data(), 10, wait);
      std::vector<Chunk> found(64);
      copy_to_host<Chunk>(to.view(), found, context.compute());
      context.synchronize();
      bool same = true;
      for (std::size_t i = 0; i < 64; ++i) {
        const Chunk& expected = values[i / 32 * 32 + (i + 1) % 32];
        for (std::size_t n = 0; n < kChunk; ++n) {
          same = same && found[i].numbers[n] == (n < 5 ? expected.numbers[n] : 0);  // 10 of 16 bytes
        }
      }
      if (wait) CHECK(same);
      if (!wait && !same) ++exposed;
    }
  }
  CHECK(exposed == kSeeds);
}

TEST_CASE("copies between misaligned addresses are faults") {
  const simt::Machine machine({});
  Context context(0);
  DeviceBuffer<Chunk> from(context.pool(), 4, context.compute());
  const auto run = [&] {
    launch(context.compute(), {.grid = {1}, .block = dim3(1), .shared = 64}, "misaligned", &misaligned_kernel,
           from.data(), 8);
    context.synchronize();
  };
  CHECK_THROWS_AS(run(), DeviceError);
  CHECK_THAT(simt::last_fault(), Catch::Contains("not 16-aligned"));
}
