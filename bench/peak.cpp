// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "peak.hpp"

#include <time.h>

#include <algorithm>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peak.cpp"
#include <hwy/foreach_target.h>
// The order matters: once per target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace twinpatch::bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// As many independent sums as hide the latency, as few as stay in registers.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::int64_t kRows = 8;
#else
constexpr std::int64_t kRows = 4;
#endif

/// Runs `steps` rounds of kRows × 3 operations; the sum of all results, so that none can be left out.
template <bool kMax>
float run(std::int64_t steps) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> sums[kRows][3];
  for (auto& row : sums) {
    for (auto& sum : row) sum = hn::Set(d, 1.0F);
  }
  const auto factor = hn::Set(d, 0.999F);
  const auto term = hn::Set(d, 0.001F);
  for (std::int64_t step = 0; step < steps; ++step) {
    for (std::int64_t i = 0; i < kRows; ++i) {
      for (std::int64_t n = 0; n < 3; ++n) {
        const auto value = kMax ? hn::Max(sums[i][n], term) : sums[i][n];
        sums[i][n] = hn::MulAdd(value, factor, term);
      }
    }
  }
  auto total = hn::Zero(d);
  for (const auto& row : sums) {
    for (const auto& sum : row) total = hn::Add(total, sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, total));
}

}  // namespace

float run_multiply_adds(std::int64_t steps) { return run<false>(steps); }
float run_max_multiply_adds(std::int64_t steps) { return run<true>(steps); }
std::int64_t operations_per_step() {
  return kRows * 3 * static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>()));
}

}  // namespace twinpatch::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace twinpatch::bench {
namespace {

HWY_EXPORT(run_multiply_adds);
HWY_EXPORT(run_max_multiply_adds);
HWY_EXPORT(operations_per_step);

/// Seconds of this thread's own time: what neighbours take does not count.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Best of several short runs.
template <class Run>
double operations_per_second(const Run& run) {
  constexpr std::int64_t kSteps = 20000;
  double best = 0;
  for (int i = 0; i < 50; ++i) {
    const double begin = thread_seconds();
    volatile float sink = run(kSteps);
    (void)sink;
    const double took = thread_seconds() - begin;
    best = std::max(best, static_cast<double>(kSteps * HWY_DYNAMIC_DISPATCH(operations_per_step)()) / took);
  }
  return best;
}

}  // namespace

Peak measure_peak() {
  return {operations_per_second([](std::int64_t steps) { return HWY_DYNAMIC_DISPATCH(run_multiply_adds)(steps); }),
          operations_per_second([](std::int64_t steps) { return HWY_DYNAMIC_DISPATCH(run_max_multiply_adds)(steps); })};
}

}  // namespace twinpatch::bench
#endif
