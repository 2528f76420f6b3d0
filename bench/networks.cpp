// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// Networks on the CPU, end to end from grey patches in memory: towers, lists of pairs, grids of 2-channel networks.
// `items_per_second` is patches or pairs.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/cpu/backend.hpp"
#include "twinpatch/net/model.hpp"

namespace {

using namespace twinpatch;

/// Rows and columns: about the block that a real grid is walked in, so that the halves of the first convolution weigh
/// as there.
constexpr std::int64_t kGridSide = 96;

std::unique_ptr<Backend> backend(const benchmark::State& state, bool exact) {
  ExecutionOptions options;
  options.threads = static_cast<int>(state.range(0));
  options.exact_convolutions = exact;
  return make_cpu_backend(options);
}

/// Grey patches of noise: timing does not depend on what they show.
struct Patches {
  Patches(std::int64_t count, Extent size) : pixels(static_cast<std::size_t>(count * size.height * size.width)) {
    std::uint32_t state = 1;
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    view = {PixelType::u8, pixels.data(), count, size.height, size.width};
  }
  std::vector<std::uint8_t> pixels;
  PatchView view;
};

Extent patch_size(const NetworkSpec& spec) { return spec.input.value_or(Extent{64, 64}); }

void describe_patches(benchmark::State& state, const std::string& name, bool exact) {
  const auto model = fold_batch_normalisation(std::make_shared<const Model>(random_model(network(name), 1)));
  const auto branch = backend(state, exact)->make_branch(model);
  const Patches patches(256, patch_size(model->spec));
  for (auto _ : state) benchmark::DoNotOptimize(branch->descriptors(patches.view, Side::left).data());
  state.SetItemsProcessed(state.iterations() * patches.view.count);
}

void score_list(benchmark::State& state, const std::string& name, bool exact) {
  const auto model = std::make_shared<const Model>(random_model(network(name), 1));
  const auto device = backend(state, exact);
  const Patches patches(256, patch_size(model->spec));
  const auto branch = device->make_branch(model);
  const auto left = branch->rows(patches.view, Side::left);
  const auto right = branch->rows(patches.view, Side::right);
  const auto scorer = device->make_scorer(model);
  std::vector<IndexPair> pairs;  // no patch twice on a side: nothing to reuse
  for (std::int32_t i = 0; i < 256; ++i) pairs.push_back({i, (i * 37 + 11) % 256});
  std::vector<float> scores(pairs.size());
  for (auto _ : state) scorer->score_list(*left, *right, pairs, scores);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pairs.size()));
}

void score_grid(benchmark::State& state, const std::string& name, bool exact) {
  const auto model = std::make_shared<const Model>(random_model(network(name), 1));
  const auto device = backend(state, exact);
  const Patches patches(kGridSide, patch_size(model->spec));
  const auto branch = device->make_branch(model);
  const auto left = branch->rows(patches.view, Side::left);
  const auto right = branch->rows(patches.view, Side::right);
  const auto scorer = device->make_scorer(model);
  std::vector<float> scores(kGridSide * kGridSide);
  for (auto _ : state) scorer->score_block(*left, *right, scores.data(), kGridSide);
  state.SetItemsProcessed(state.iterations() * kGridSide * kGridSide);
}

}  // namespace

int main(int argc, char** argv) {
  for (const bool exact : {false, true}) {
    const std::string suffix = exact ? "/exact" : "";
    const auto add = [&](const std::string& kind, const char* name, auto* run) {
      benchmark::RegisterBenchmark((kind + "/" + name + suffix).c_str(), run, name, exact)
          ->ArgName("threads")
          ->Arg(1)
          ->Arg(2)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime()
          ->ComputeStatistics("min",
                              [](const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); });
    };
    for (const char* name : {"siam", "siam-2stream-l2", "siam-spp", "tfeat", "hardnet"})
      add("describe", name, &describe_patches);
    for (const char* name : {"2ch", "2ch-deep", "2ch-2stream"}) add("list", name, &score_list);
    for (const char* name : {"2ch", "2ch-deep", "2ch-2stream"}) add("grid", name, &score_grid);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
