// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/collection_run.hpp"

#include <fmt/format.h>

#include "apps/twinpatch/plan_text.hpp"
#include "apps/twinpatch/run_report.hpp"
#include "twinpatch/collection/estimate.hpp"
#include "twinpatch/core/units.hpp"

namespace twinpatch::app {
namespace {

/// Precision and what else changes the bits of a score on one device.
std::string numerics_of(const ExecutionOptions& options) {
  return std::string(to_string(options.precision)) + (options.exact_convolutions ? ", exact convolutions" : "");
}

std::optional<Engine> second_engine(Session& session, const EngineOptions& engine_options, const std::string& model) {
  if (model.empty()) return std::nullopt;
  EngineOptions second = engine_options;
  second.model = model;
  return make_engine(session, second);
}

/// Everything a run is made of, in the order it is needed.
struct Job {
  Job(Session& session, const EngineOptions& engine_options, const CollectionOptions& options,
      const MakeImages& make_images, const MakePairs& make_pairs, const std::filesystem::path& default_run)
      : shard(options.its_shard()),
        folder(options.run.empty() ? default_run : std::filesystem::path(options.run)),
        descriptors(options.descriptors.empty() ? folder / "descriptors" : std::filesystem::path(options.descriptors)),
        engine(make_engine(session, engine_options)),
        rerank(second_engine(session, engine_options, options.rerank)),
        source(make_images(engine.spec())),
        pairs(make_pairs(
            {engine, *source, descriptors, numerics_of(engine_options.execution), engine_options.execution.threads})),
        plan(make_plan(engine, *source, pairs,
                       {.rules = options.rules(engine.spec()),
                        .numerics = numerics_of(engine_options.execution),
                        .tile_keypoints = tile_keypoints(options),
                        .rerank = second()},
                       session.control())) {}

  [[nodiscard]] CollectionWork work() { return {engine, *source, pairs, plan, second()}; }
  [[nodiscard]] Engine* second() { return rerank ? &*rerank : nullptr; }

  /// A run goes on with the tiles it was planned with, whatever memory there is today.
  [[nodiscard]] std::int64_t tile_keypoints(const CollectionOptions& options) const {
    const auto path = folder / "plan.json";
    if (options.block_keypoints != 0 || !std::filesystem::exists(path)) return options.block_keypoints;
    return read_plan(path).tile_keypoints;
  }

  Shard shard;
  std::filesystem::path folder;
  std::filesystem::path descriptors;
  Engine engine;
  std::optional<Engine> rerank;
  std::unique_ptr<ImageSource> source;
  PairSelection pairs;
  CollectionPlan plan;
};

void summarise(Session& session, const Job& job, const CollectionStatistics& run) {
  if (run.blocks_found > 0) {
    session.info("{} of {} blocks were done before and are intact", run.blocks_found, run.blocks);
  }
  if (run.blocks_found == run.blocks) return;
  const std::int64_t uses = run.row_hits + run.row_misses;
  session.info(
      "{} pair{} of images, {} matches in {}: {} comparisons/s; rows of images found on the device {:.1f} %; "
      "waited {} for images",
      run.pairs, run.pairs == 1 ? "" : "s", run.matches, format_seconds(run.seconds),
      format_count(run.seconds > 0 ? static_cast<double>(run.comparisons) / run.seconds : 0),
      uses == 0 ? 0.0 : 100.0 * static_cast<double>(run.row_hits) / static_cast<double>(uses),
      format_seconds(run.waited));
  session.detail("{} patches described, descriptors of {} images read from {}, {} survivors re-scored", run.described,
                 run.descriptors_read, job.descriptors.string(), run.reranked);
}

nlohmann::ordered_json statistics_json(const CollectionStatistics& run) {
  return {{"blocks", run.blocks},       {"blocks_found", run.blocks_found},
          {"pairs", run.pairs},         {"comparisons", run.comparisons},
          {"matches", run.matches},     {"reranked", run.reranked},
          {"row_hits", run.row_hits},   {"row_misses", run.row_misses},
          {"described", run.described}, {"descriptors_read", run.descriptors_read},
          {"seconds", run.seconds},     {"waited", run.waited}};
}

CollectionStatistics run_shard(Session& session, Job& job, const CollectionOptions& options) {
  RunReport report(session, options.events, job.shard);
  report.event("start", {{"run", job.folder.string()},
                         {"plan", job.plan.id},
                         {"images", job.plan.images.size()},
                         {"pairs", job.plan.pairs()},
                         {"blocks", job.plan.blocks.size()}});
  const auto kept = [&](const char* how) {
    session.info("{}: {} blocks were finished by this call and are kept in {}; the same command goes on from there",
                 how, report.blocks_done(), job.folder.string());
  };
  try {
    const CollectionStatistics run =
        run_collection(job.work(), {job.folder, job.descriptors}, job.shard, &report, session.control());
    report.event("end", statistics_json(run));
    return run;
  } catch (const Interrupted&) {
    report.event("interrupted", {{"blocks_done", report.blocks_done()}});
    kept("stopped");
    throw;
  } catch (const Error& error) {
    report.event("error", {{"what", error.what()}});
    if (report.blocks_done() > 0) kept("failed");
    throw;
  }
}

}  // namespace

CollectionOutcome run_images(Session& session, const EngineOptions& engine_options, const CollectionOptions& options,
                             const MakeImages& make_images, const MakePairs& make_pairs,
                             const std::filesystem::path& default_run) {
  options.validate();
  Job job(session, engine_options, options, make_images, make_pairs, default_run);
  CollectionOutcome outcome;
  if (options.dry_run) {
    const RunEstimate estimate = estimate_run(job.work(), job.shard, session.control());
    print_plan(session, job.plan, estimate, job.shard);
    return outcome;
  }
  outcome.statistics = run_shard(session, job, options);
  summarise(session, job, *outcome.statistics);
  CollectionMatches all(job.folder);
  if (job.shard.count == 1) {
    outcome.matches.emplace(std::move(all));
    return outcome;
  }
  const std::int64_t missing = all.absent();
  session.info(
      "shard {} is done; {}: twinpatch merge {} checks that, and this command without --shard writes the result",
      job.shard.text(),
      missing == 0 ? "all blocks are there" : fmt::format("when the {} blocks of others are there too", missing),
      job.folder.string());
  return outcome;
}

}  // namespace twinpatch::app
