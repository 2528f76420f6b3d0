// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "collection_images.hpp"
#include "twinpatch/collection/run.hpp"
#include "twinpatch/core/units.hpp"

// Exhaustive matching of a collection beside one large grid of the same descriptors, in turn: comparisons per second by
// the clock and by the processor time that was got (what counts on a machine that others use), and the largest memory.
//
//   bench_collection --data DIR [--images 100] [--keypoints 2000] [--model siam] [--memory 512M] [--folder DIR]
//                    [--json FILE]
//
// Descriptors are made first, into FOLDER, and are not part of the figures; reading them back and writing the block
// files is.

namespace twinpatch::bench {
namespace {

struct Options {
  std::string data;
  std::string model = "siam";
  std::string folder = "bench-collection";
  std::int64_t images = 100;
  int keypoints = 2000;
  std::int64_t memory = 0;
  int rounds = 3;
  std::int64_t grid_side = 16384;
  std::int64_t added = 0;  ///< images that a finished run gets
  std::string json;        ///< file for the figures
};

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Rate {
  double wall = 0;
  double processor = 0;
  void show(const char* what) const {
    fmt::print("{:<28}{:>10} comparisons/s by the clock, {:>10} per processor second\n", what, format_count(wall),
               format_count(processor));
    std::fflush(stdout);
  }
};

template <class Run>
Rate timed(double comparisons, const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  const double processor = processor_seconds();
  run();
  return {comparisons / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          comparisons / (processor_seconds() - processor)};
}

std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

/// Descriptors of every other image from `first` on, one after the other: a side of a large grid.
Matrix some_descriptors(Engine& engine, const ImageSource& source, std::int64_t first, std::int64_t count) {
  Matrix result(count, engine.descriptor_size());
  std::int64_t filled = 0;
  for (std::int64_t image = first; filled < count; image = (image + 2) % source.size()) {
    const PatchSet patches = source.patches(image);
    const std::int64_t now = std::min({count - filled, patches.size(), std::int64_t{512}});
    const Matrix made = engine.describe(patches.view().slice(0, now));
    std::copy_n(made.data(), made.size(), result.row(filled).data());
    filled += now;
  }
  return result;
}

struct Rates {
  Rate grid;
  Rate collection;
};

void write_json(const Options& options, const Engine& engine, const CollectionPlan& plan, const Rates& rates,
                std::int64_t peak) {
  const auto& [grid, collection] = rates;
  const nlohmann::ordered_json object{
      {"schema", "twinpatch.bench.collection/1"},
      {"model", engine.spec().name},
      {"device", engine.device()},
      {"memory", engine.memory()},
      {"images", plan.images.size()},
      {"keypoints", plan.keypoints()},
      {"image_pairs", plan.pairs()},
      {"comparisons", plan.comparisons()},
      {"rounds", options.rounds},
      {"comparisons_per_second", {{"grid", grid.wall}, {"collection", collection.wall}}},
      {"comparisons_per_processor_second", {{"grid", grid.processor}, {"collection", collection.processor}}},
      {"peak_bytes", peak}};
  std::ofstream(options.json) << object.dump(1) << '\n';
}

/// A finished run gets its last images: what a pair of images costs then.
void add_images(Engine& engine, const MadeImages& source, const Options& options) {
  const std::filesystem::path folder = options.folder;
  const auto grow = [&](const ImageSource& images) {
    const auto pairs = PairSelection::exhaustive(images.size());
    const CollectionPlan plan = make_plan(engine, images, pairs, {.folder = folder / "grown"});
    return run_collection({engine, images, pairs, plan}, {folder / "grown", folder / "descriptors"});
  };
  std::filesystem::remove_all(folder / "grown");
  (void)grow(MadeImages(options.data, source.size() - options.added, options.keypoints));
  const CollectionStatistics added = grow(source);
  fmt::print("{} images added: {} pairs of images in {}, {} a pair\n", options.added, added.pairs,
             format_seconds(added.seconds),
             format_seconds(added.seconds / static_cast<double>(std::max<std::int64_t>(1, added.pairs))));
}

int run(const Options& options) {
  ExecutionOptions execution;
  execution.device = "cpu";
  execution.memory = options.memory;
  Engine engine(load_model(find_model(options.model)), execution);
  fmt::print("{} on {}, --memory {}\n", engine.spec().name, engine.device(), format_bytes(engine.memory()));
  const MadeImages source(options.data, options.images, options.keypoints);
  const auto pairs = PairSelection::exhaustive(source.size());
  const CollectionPlan plan = make_plan(engine, source, pairs, {});
  fmt::print("{} images, {} keypoints, {} pairs of images, {} blocks, {} comparisons\n", plan.images.size(),
             plan.keypoints(), plan.pairs(), plan.blocks.size(), format_count(static_cast<double>(plan.comparisons())));
  std::fflush(stdout);

  // Every image described once: the first column of a run over neighbours.
  const std::filesystem::path folder = options.folder;
  const auto neighbours = PairSelection::sequential(source.size(), 1);
  const auto first = match_collection(
      {engine, source, neighbours, make_plan(engine, source, neighbours, {})}, [](ImagePair, std::span<const Match>) {},
      folder / "descriptors");
  fmt::print("described {} patches in {}\n", first.described, format_seconds(first.seconds));
  std::fflush(stdout);

  Rate best_grid;
  Rate best_run;
  const std::int64_t side = std::min(options.grid_side, plan.keypoints());
  const Matrix left = side > 0 ? some_descriptors(engine, source, 0, side) : Matrix();
  const Matrix right = side > 0 ? some_descriptors(engine, source, 1, side) : Matrix();
  for (int round = 0; round < options.rounds; ++round) {
    if (side > 0) {
      const Rate grid = timed(static_cast<double>(side) * static_cast<double>(side),
                              [&] { (void)engine.grid(left.view(), right.view(), {.top_k = 1, .column_best = true}); });
      grid.show("one grid");
      best_grid = {std::max(best_grid.wall, grid.wall), std::max(best_grid.processor, grid.processor)};
    }
    std::filesystem::remove_all(folder / "run");
    CollectionStatistics statistics;
    const Rate collection = timed(static_cast<double>(plan.comparisons()), [&] {
      statistics = run_collection({engine, source, pairs, plan}, {folder / "run", folder / "descriptors"});
    });
    collection.show("the collection");
    best_run = {std::max(best_run.wall, collection.wall), std::max(best_run.processor, collection.processor)};
    fmt::print(
        "  {} matches, rows found on the device {:.1f} %, waited {} for images, {} patches described; slowest stage: "
        "{}\n",
        statistics.matches,
        100.0 * static_cast<double>(statistics.row_hits) /
            static_cast<double>(std::max<std::int64_t>(1, statistics.row_hits + statistics.row_misses)),
        format_seconds(statistics.waited), statistics.described, statistics.stages.slowest().first);
    std::fflush(stdout);
  }
  if (side > 0) {
    fmt::print("collection / grid: {:.3f} by the clock, {:.3f} by processor time (best of {})\n",
               best_run.wall / best_grid.wall, best_run.processor / best_grid.processor, options.rounds);
  }
  if (options.added > 0 && options.added < source.size()) add_images(engine, source, options);
  const std::int64_t peak = peak_bytes();
  fmt::print("largest memory of the process: {}\n", format_bytes(peak));
  if (!options.json.empty()) write_json(options, engine, plan, {best_grid, best_run}, peak);
  return 0;
}

}  // namespace
}  // namespace twinpatch::bench

int main(int argc, char** argv) {
  twinpatch::bench::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--data") options.data = value;
    if (name == "--model") options.model = value;
    if (name == "--folder") options.folder = value;
    if (name == "--images") options.images = std::stoll(value);
    if (name == "--keypoints") options.keypoints = std::stoi(value);
    if (name == "--memory") options.memory = twinpatch::parse_bytes(value);
    if (name == "--rounds") options.rounds = std::stoi(value);
    if (name == "--grid-side") options.grid_side = std::stoll(value);
    if (name == "--added") options.added = std::stoll(value);
    if (name == "--json") options.json = value;
  }
  if (options.data.empty()) {
    fmt::print(
        "skipped: bench_collection --data FOLDER_OF_PHOTOGRAPHS [--images N] [--keypoints N] [--model NAME] "
        "[--memory SIZE] [--folder DIR] [--rounds N] [--grid-side N] [--added N] [--json FILE]\n");
    return 0;
  }
  try {
    return twinpatch::bench::run(options);
  } catch (const twinpatch::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
