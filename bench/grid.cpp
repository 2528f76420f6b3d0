// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <time.h>

#include <hwy/targets.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <random>

#include "peak.hpp"
#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/net/model.hpp"

// Pair grids and lists of networks whose descriptors are there: decision heads and distances. One thread, timed by the
// processor time it got. `items_per_second` is pairs; `best` the best single run; `of_peak` its share of what this core
// does at best from registers in single precision, measured beside every run (multiply-adds for distances,
// max-and-multiply-adds for heads: on some processors both take the same units). Screened grids do more.

namespace twinpatch::bench {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Matrix unit_vectors(std::int64_t count, std::int64_t length, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Matrix result(count, length);
  for (std::int64_t i = 0; i < count; ++i) {
    double norm = 0;
    for (float& value : result.row(i)) {
      value = normal(random);
      norm += double{value} * value;
    }
    for (float& value : result.row(i)) value = static_cast<float>(value / std::sqrt(norm));
  }
  return result;
}

/// A model on one thread of the CPU with rows of random descriptors.
struct Rig {
  Rig(const NetworkSpec& spec, std::int64_t left_count, std::int64_t right_count, const char* screening = "auto") {
    ExecutionOptions options;
    options.device = "cpu";
    options.threads = 1;
    options.screening = screening;
    backend = make_cpu_backend(options);
    const auto model = fold_batch_normalisation(std::make_shared<const Model>(random_model(spec, 1)));
    branch = backend->make_branch(model);
    scorer = backend->make_scorer(model);
    left = branch->rows(unit_vectors(left_count, branch->descriptor_size(), 1).view(), Side::left);
    right = branch->rows(unit_vectors(right_count, branch->descriptor_size(), 2).view(), Side::right);
  }
  std::unique_ptr<Backend> backend;
  std::unique_ptr<BranchExecutor> branch;
  std::unique_ptr<PairScorer> scorer;
  std::shared_ptr<const Rows> left;
  std::shared_ptr<const Rows> right;
};

/// Times run() beside the peak and reports. `depth`: inner steps of one pair.
template <class Run>
void time_pairs(benchmark::State& state, std::int64_t pairs, std::int64_t depth, bool head, const Run& run) {
  double best = 1e9;
  double peak = 0;
  for (auto _ : state) {
    const double begin = thread_seconds();
    run();
    best = std::min(best, thread_seconds() - begin);
    state.PauseTiming();
    const Peak now = measure_peak();
    peak = std::max(peak, head ? now.max_multiply_adds : now.multiply_adds);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * pairs);
  const double rate = static_cast<double>(pairs) / best;
  state.counters["best"] = rate;
  state.counters["GFLOP/s"] = 2e-9 * rate * static_cast<double>(depth);
  state.counters["peak_GFLOP/s"] = 2e-9 * peak;
  state.counters["of_peak"] = rate * static_cast<double>(depth) / peak;
}

void grid(benchmark::State& state, const NetworkSpec& spec, std::int64_t depth, std::int64_t rows,
          std::int64_t columns) {
  const bool head = std::holds_alternative<DecisionLayers>(spec.decision);
  const Rig rig(spec, rows, columns);
  const SelectionRequest request{rows, columns, static_cast<int>(state.range(0)), state.range(1) != 0};
  time_pairs(state, rows * columns, depth, head, [&] {
    const auto selection = rig.backend->make_selection(request);
    rig.scorer->score_tile({rig.left.get(), 0}, {rig.right.get(), 0}, *selection);
    benchmark::DoNotOptimize(selection->read().scores.data());
  });
}

/// Highway's best instruction set: of the kernels in full precision, and so which screens fit them.
void use_target(std::int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// The best two of each row and the best of each column, in full precision or by a screen. `again` is the share of
/// pairs that were scored again.
void screened_grid(benchmark::State& state, const NetworkSpec& spec, const char* screening, std::int64_t side) {
  const bool head = std::holds_alternative<DecisionLayers>(spec.decision);
  std::unique_ptr<Rig> rig;
  try {
    rig = std::make_unique<Rig>(spec, side, side, screening);
  } catch (const DeviceError& error) {
    state.SkipWithError(error.what());
    return;
  }
  const SelectionRequest request{.rows = side, .columns = side, .top_k = 2, .column_best = true};
  time_pairs(state, side * side, head ? 512 : rig->branch->descriptor_size(), head, [&] {
    const auto selection = rig->backend->make_selection(request);
    rig->scorer->score_tile({rig->left.get(), 0}, {rig->right.get(), 0}, *selection);
    benchmark::DoNotOptimize(selection->read().scores.data());
  });
  for (const RunSummary& run : rig->backend->summaries()) {
    state.counters["again"] = static_cast<double>(run.rescored) / static_cast<double>(run.screened);
  }
}

void list(benchmark::State& state, const NetworkSpec& spec, std::int64_t depth) {
  constexpr std::int32_t kPatches = 8192;
  constexpr std::int64_t kPairs = 400000;
  const bool head = std::holds_alternative<DecisionLayers>(spec.decision);
  const Rig rig(spec, kPatches, kPatches);
  std::mt19937 random(3);
  std::vector<IndexPair> pairs(kPairs);
  for (std::int64_t i = 0; i < kPairs; ++i) {
    pairs[static_cast<std::size_t>(i)] = {static_cast<std::int32_t>(i * kPatches / kPairs),
                                          static_cast<std::int32_t>(random() % kPatches)};
  }
  std::vector<float> scores(pairs.size());
  time_pairs(state, kPairs, depth, head, [&] { rig.scorer->score_list(*rig.left, *rig.right, pairs, scores); });
}

/// siam-l2's descriptors under another metric.
NetworkSpec with_metric(DecisionMetric::Kind kind) {
  NetworkSpec spec = network("siam-l2");
  spec.decision = DecisionMetric{kind, true};
  return spec;
}

void head_grid(benchmark::State& state) { grid(state, network("siam"), 512, 4096, 8192); }
void l2_grid(benchmark::State& state) { grid(state, network("siam-l2"), 256, 8192, 16384); }
void cosine_grid(benchmark::State& state) { grid(state, with_metric(DecisionMetric::Kind::cosine), 256, 4096, 8192); }
void l1_grid(benchmark::State& state) { grid(state, with_metric(DecisionMetric::Kind::l1), 256, 4096, 8192); }
void head_list(benchmark::State& state) { list(state, network("siam"), 512); }
void l2_list(benchmark::State& state) { list(state, network("siam-l2"), 256); }

BENCHMARK(head_grid)->ArgNames({"top", "columns"})->Args({2, 0})->Args({1, 1})->Unit(benchmark::kMillisecond);
BENCHMARK(l2_grid)->ArgNames({"top", "columns"})->Args({2, 0})->Args({1, 1})->Unit(benchmark::kMillisecond);
BENCHMARK(cosine_grid)->ArgNames({"top", "columns"})->Args({2, 0})->Unit(benchmark::kMillisecond);
BENCHMARK(l1_grid)->ArgNames({"top", "columns"})->Args({2, 0})->Unit(benchmark::kMillisecond);
BENCHMARK(head_list)->Unit(benchmark::kMillisecond);
BENCHMARK(l2_list)->Unit(benchmark::kMillisecond);

struct Screening {
  const char* name;
  std::int64_t target;  ///< 0: the processor's best
};
constexpr std::array kScreenings{
    Screening{"off", 0},        Screening{"amx-int8", 0},        Screening{"avx512-vnni", 0}, Screening{"avx512", 0},
    Screening{"off", HWY_AVX2}, Screening{"avx-vnni", HWY_AVX2}, Screening{"avx2", HWY_AVX2}};

void add_screened(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"screening", "side"})->Unit(benchmark::kMillisecond);
  for (std::size_t n = 0; n < kScreenings.size(); ++n) {
    for (const std::int64_t side : {2000, 8192}) benchmark->Args({static_cast<std::int64_t>(n), side});
  }
}

void screened(benchmark::State& state, const char* name) {
  const Screening& screening = kScreenings[static_cast<std::size_t>(state.range(0))];
  state.SetLabel(std::string(screening.name) + (screening.target == 0 ? "" : " on AVX2"));
  use_target(screening.target);
  screened_grid(state, network(name), screening.name, state.range(1));
  use_target(0);
}
void screened_l2_128(benchmark::State& state) { screened(state, "hard128"); }
void screened_l2_256(benchmark::State& state) { screened(state, "siam-l2"); }
void screened_head_512(benchmark::State& state) { screened(state, "siam"); }
BENCHMARK(screened_l2_128)->Apply(add_screened);
BENCHMARK(screened_l2_256)->Apply(add_screened);
BENCHMARK(screened_head_512)->Apply(add_screened);

}  // namespace
}  // namespace twinpatch::bench

BENCHMARK_MAIN();
