// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/vision/cut_patches.hpp"

// Patches cut from one photograph, a second: what a host can feed to an engine. Argument: threads. The processor time
// of all of them is what counts on a machine that others use.

namespace twinpatch {
namespace {

constexpr int kWidth = 2000;
constexpr int kHeight = 1500;
constexpr std::int64_t kKeypoints = 20000;

GrayImage noise(std::mt19937_64& random) {
  GrayImage image(kWidth, kHeight);
  std::uniform_int_distribution<int> level(0, 255);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) image.row(y)[x] = static_cast<std::uint8_t>(level(random));
  }
  return image;
}

void cut(benchmark::State& state) {
  std::mt19937_64 random(1);
  const GrayImage image = noise(random);
  ThreadPool pool(static_cast<int>(state.range(0)));
  std::uniform_real_distribution<float> unit(0, 1);
  std::vector<Keypoint> keypoints(kKeypoints);
  for (Keypoint& keypoint : keypoints) {  // sigma from 1.6 to 12 pixels, small ones more often
    keypoint = {unit(random) * kWidth, unit(random) * kHeight, std::exp(0.5F + 2 * unit(random)),
                unit(random) * 2 * std::numbers::pi_v<float>, 0};
  }
  for (auto _ : state) benchmark::DoNotOptimize(cut_patches(image, keypoints, {}, pool));
  state.SetItemsProcessed(state.iterations() * kKeypoints);
}
BENCHMARK(cut)->Arg(1)->Arg(2)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace twinpatch

BENCHMARK_MAIN();
