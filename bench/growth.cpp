// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// One point of the curves that growth.py draws: a grid of descriptors on the CPU, its time and the memory it took.
//
//   bench_growth LEFT RIGHT THREADS      rows a side; 128-d unit vectors, the two nearest of each row, the nearest of
//   each
//                                        column, as a mutual match with a ratio needs them; prints one JSON object

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <vector>

#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/engine/engine.hpp"

namespace {

using namespace twinpatch;

constexpr std::int64_t kLength = 128;
/// Short runs are repeated until they have taken so long in all; the fastest counts.
constexpr double kSeconds = 0.5;

/// Unit vectors of random directions around one of 256 centres: descriptors crowd, and uniform ones would not.
Matrix descriptors(std::int64_t rows, unsigned seed) {
  constexpr std::int64_t kCentres = 256;
  std::mt19937 same(1);
  std::normal_distribution<float> normal;
  std::vector<float> centres(static_cast<std::size_t>(kCentres * kLength));
  for (float& value : centres) value = normal(same);
  // Drawn once and shifted for every row: drawing 128 million normal numbers takes longer than the grid.
  std::mt19937 random(seed);
  std::vector<float> noise(1 << 20);
  for (float& value : noise) value = normal(random);
  Matrix matrix(rows, kLength);
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* centre = centres.data() + static_cast<std::int64_t>(random() % kCentres) * kLength;
    const float* shift = noise.data() + random() % (noise.size() - kLength);
    float* at = matrix.data() + row * kLength;
    double squares = 0;
    for (std::int64_t k = 0; k < kLength; ++k) {
      at[k] = centre[k] + shift[k];
      squares += static_cast<double>(at[k]) * at[k];
    }
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (std::int64_t k = 0; k < kLength; ++k) at[k] *= scale;
  }
  return matrix;
}

double processor_seconds() {
  timespec now{};
  (void)::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::int64_t peak_bytes() {
  rusage usage{};
  (void)::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

void measure(std::int64_t left, std::int64_t right, int threads) {
  ExecutionOptions options;
  options.device = "cpu";
  options.threads = threads;
  Engine engine(random_model(network("hard128"), 1), options);
  const Matrix lefts = descriptors(left, 2);
  const Matrix rights = descriptors(right, 3);
  double best = 0;
  double best_processor = 0;
  for (double total = 0; total < kSeconds;) {
    const double before = processor_seconds();
    const Stopwatch watch;
    (void)engine.grid(GridSide(lefts.view()), GridSide(rights.view()), {.top_k = 2, .column_best = true});
    const double seconds = watch.seconds();
    const double processor = processor_seconds() - before;
    best = total == 0 ? seconds : std::min(best, seconds);
    best_processor = total == 0 ? processor : std::min(best_processor, processor);
    total += seconds;
  }
  fmt::print(
      "{{\"left\": {}, \"right\": {}, \"threads\": {}, \"seconds\": {:.9f}, \"processor_seconds\": {:.9f}, "
      "\"given_bytes\": {}, \"peak_bytes\": {}}}\n",
      left, right, threads, best, best_processor, (left + right) * kLength * 4, peak_bytes());
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    fmt::print(stderr, "bench_growth LEFT RIGHT THREADS\n");
    return 2;
  }
  try {
    measure(std::atoll(words[1]), std::atoll(words[2]), std::atoi(words[3]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
  return 0;
}
