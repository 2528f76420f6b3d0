// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/engine_options.hpp"
#include "twinpatch/core/stopwatch.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

struct BenchOptions {
  EngineOptions engine;
  double seconds = 1;

  void validate() const {
    engine.execution.validate();
    if (!(seconds > 0 && seconds <= 600))
      throw UsageError(fmt::format("--seconds must be in (0, 600], found {}", seconds));
  }
};

/// Speed does not depend on the weights: a network without any gets random ones.
Model bench_model(Session& session, const std::string& name) {
  try {
    return load_model(find_model(name));
  } catch (const IoError&) {
    for (const auto& spec : catalogue()) {
      if (spec.name != name) continue;
      session.info("{}: no weights found, measured with random ones (the speed is the same)", name);
      return random_model(spec, session.options().seed);
    }
    throw;
  }
}

PatchSet random_patches(const NetworkSpec& spec, std::int64_t count, std::uint64_t seed) {
  const Extent size = spec.input.value_or(Extent{64, 64});
  PatchSet patches(count, size.height, size.width);
  std::mt19937_64 random(seed);
  for (std::int64_t i = 0; i < count; ++i) {
    std::generate_n(patches.mutable_patch(i), size.height * size.width,
                    [&] { return static_cast<std::uint8_t>(random()); });
  }
  return patches;
}

/// What is measured: `run(n)` does n units of work and returns how many results that makes.
struct Workload {
  std::string name;
  std::string unit;
  std::int64_t first = 0;    ///< the smallest n
  std::int64_t largest = 0;  ///< and the largest
  std::function<std::int64_t(std::int64_t n)> run;
};

struct Measure {
  std::string name;
  std::string unit;
  std::int64_t count = 0;  ///< units of the last, longest run
  double per_second = 0;   ///< of the best run
};

/// Runs the work with growing n until one run takes the time wanted, then twice more; the best counts.
Measure measure(Session& session, const Workload& work, double seconds) {
  Measure result{work.name, work.unit};
  std::int64_t n = work.first;
  int full_runs = 0;
  (void)work.run(work.first);  // plans, first touches
  while (full_runs < 3) {
    session.control().check();
    const Stopwatch watch;
    const std::int64_t units = work.run(n);
    const double took = watch.seconds();
    const bool long_enough = took >= 0.5 * seconds || n >= work.largest;
    full_runs += long_enough ? 1 : 0;
    if (long_enough) {
      result.count = units;
      result.per_second = std::max(result.per_second, static_cast<double>(units) / took);
    } else {
      const double grow = std::clamp(seconds / std::max(took, 1e-6), 1.5, 8.0);
      n = std::min(work.largest, static_cast<std::int64_t>(static_cast<double>(n) * grow));
    }
  }
  session.detail("{}: {} {} per run", work.name, result.count, work.unit);
  return result;
}

/// Every measure of a network on its engine. Patches are made once; a run takes the first n of them.
std::vector<Measure> measure_all(Session& session, Engine& engine, double seconds) {
  constexpr std::int64_t kPatches = 4096;
  const RunControl quiet = session.control().quiet();
  const PatchSet patches = random_patches(engine.spec(), kPatches, session.options().seed);
  std::vector<Measure> results;
  const auto add = [&](const Workload& work) { results.push_back(measure(session, work, seconds)); };
  Matrix descriptors;
  if (has_descriptors(engine.spec())) {
    const auto describe = [&](std::int64_t n) {
      (void)engine.describe(patches.view().slice(0, n), Side::left, quiet);
      return n;
    };
    add({.name = "describe", .unit = "patches", .first = 64, .largest = kPatches, .run = describe});
    if (engine.model().descriptor_only && std::holds_alternative<DecisionLayers>(engine.spec().decision))
      return results;
    descriptors = engine.describe(patches.view(), Side::left, quiet);
  }
  std::vector<IndexPair> pairs;
  std::mt19937 random(static_cast<std::uint32_t>(session.options().seed));
  for (std::int64_t i = 0; i < 16 * kPatches; ++i) {
    pairs.push_back({static_cast<std::int32_t>(random() % kPatches), static_cast<std::int32_t>(random() % kPatches)});
  }
  const auto list = [&](std::int64_t n) {
    (void)engine.score(patches.view(), std::span(pairs).first(static_cast<std::size_t>(n)), quiet);
    return n;
  };
  add({.name = "list", .unit = "pairs", .first = 64, .largest = std::ssize(pairs), .run = list});
  const auto grid = [&](std::int64_t n) {
    const GridSide side =
        descriptors.rows() > 0 ? GridSide(descriptors.view().slice(0, n)) : GridSide(patches.view().slice(0, n));
    (void)engine.grid(side, side, {.top_k = 2, .column_best = true}, quiet);
    return n * n;
  };
  add({.name = "grid", .unit = "pairs", .first = 32, .largest = kPatches, .run = grid});
  return results;
}

ExitCode run_bench(Session& session, const BenchOptions& options) {
  options.validate();
  Engine engine(bench_model(session, options.engine.model), options.engine.execution);
  session.info("{} on {}", engine.spec().name, engine.device());
  const auto results = measure_all(session, engine, options.seconds);
  report_saturation(session, engine);
  auto rows = nlohmann::ordered_json::array();
  std::string text;
  for (const auto& result : results) {
    text += fmt::format("{:<9} {:>10} {}/s\n", result.name, format_count(result.per_second), result.unit);
    rows.push_back(
        {{"name", result.name}, {"unit", result.unit}, {"per_second", result.per_second}, {"count", result.count}});
  }
  if (session.options().json) {
    nlohmann::ordered_json object = {{"model", model_json(engine)}, {"device", engine.device()}, {"results", rows}};
    if (auto found = saturation_json(engine); !found.is_null()) object["saturation"] = std::move(found);
    session.print_json("twinpatch.bench/1", object);
  } else {
    session.print(text);
  }
  return ExitCode::done;
}

Run add_bench_options(Options& app) {
  auto options = std::make_shared<BenchOptions>();
  add_engine_options(app, options->engine);
  app.add_option("--seconds", options->seconds, "time of one run; each measurement takes about four")
      ->type_name("S")
      ->default_str("1")
      ->group(kMainGroup);
  return [options](Session& session) { return run_bench(session, *options); };
}

}  // namespace

Command bench_command() {
  return {.name = "bench",
          .summary = "how fast this host runs a model",
          .examples = {{"the default model", "twinpatch bench"},
                       {"a 2-channel network on one thread", "twinpatch bench --model 2ch --threads 1"},
                       {"for a table", "twinpatch bench --model siam-l2 --json"}},
          .notes =
              "describe: patches to descriptors. list: scores of random pairs of 4096 patches, from the patches on. "
              "grid: every pair of two sets (siamese: from descriptors), the best two of each row and the best of "
              "each column kept. The best of three runs counts.",
          .add_options = add_bench_options,
          .children = {}};
}

}  // namespace twinpatch::app
