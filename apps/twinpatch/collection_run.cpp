// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/collection_run.hpp"

#include <fmt/format.h>

#include "apps/twinpatch/plan_text.hpp"
#include "apps/twinpatch/run_report.hpp"
#include "twinpatch/collection/estimate.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/engine/two_stage.hpp"

namespace twinpatch::app {
namespace {

void summarise(Session& session, const CollectionWork& work, const RunPlaces& places, const CollectionStatistics& run) {
  if (run.blocks_found > 0) {
    session.info("{} of {} blocks are already done and intact", run.blocks_found, run.blocks);
  }
  if (run.blocks_found == run.blocks) return;
  const std::int64_t uses = run.row_hits + run.row_misses;
  session.info(
      "{} pair{} of images, {} matches in {}: {} comparisons/s; rows of images found on the device {:.1f} %; "
      "waited {} for images; slowest stage: {}, {}",
      run.pairs, run.pairs == 1 ? "" : "s", run.matches, format_seconds(run.seconds),
      format_count(run.seconds > 0 ? static_cast<double>(run.comparisons) / run.seconds : 0),
      uses == 0 ? 0.0 : 100.0 * static_cast<double>(run.row_hits) / static_cast<double>(uses),
      format_seconds(run.waited), run.stages.slowest().first, format_seconds(run.stages.slowest().second));
  if (work.early_exit != nullptr) {
    session.info("early exit: {} of {} pairs dropped; {} rows of {} pairs were compared before, {} comparisons, in {}",
                 run.dropped, run.pairs, run.sampled_rows, run.sampled,
                 format_count(static_cast<double>(run.sampled_comparisons)), format_seconds(run.stages.sample));
  }
  if (work.guide != nullptr) {
    session.info("second pass: {} of {} pairs have a geometry, {} comparisons within their bands, in {}", run.guided,
                 run.pairs, format_count(static_cast<double>(run.guided_comparisons)),
                 format_seconds(run.stages.guided));
  }
  report_saturation(session, work.engine);
  if (work.rerank != nullptr) report_saturation(session, *work.rerank);
  session.detail(
      "{} patches described, descriptors of {} images read from {}, {} candidates scored by a second network",
      run.described, run.descriptors_read, places.descriptors.string(), run.reranked);
}

nlohmann::ordered_json statistics_json(const CollectionStatistics& run) {
  return {{"blocks", run.blocks},
          {"blocks_found", run.blocks_found},
          {"pairs", run.pairs},
          {"comparisons", run.comparisons},
          {"matches", run.matches},
          {"reranked", run.reranked},
          {"sampled", run.sampled},
          {"sampled_rows", run.sampled_rows},
          {"sampled_comparisons", run.sampled_comparisons},
          {"dropped", run.dropped},
          {"guided", run.guided},
          {"guided_comparisons", run.guided_comparisons},
          {"row_hits", run.row_hits},
          {"row_misses", run.row_misses},
          {"described", run.described},
          {"descriptors_read", run.descriptors_read},
          {"seconds", run.seconds},
          {"waited", run.waited},
          {"stages",
           {{"read", run.stages.read},
            {"describe", run.stages.describe},
            {"sample", run.stages.sample},
            {"match", run.stages.match},
            {"guided", run.stages.guided},
            {"rescore", run.stages.rescore},
            {"write", run.stages.write}}},
          {"slowest", run.stages.slowest().first}};
}

CollectionStatistics run_shard(Session& session, const CollectionWork& work, const RunPlaces& places,
                               const CollectionOptions& options) {
  const CollectionPlan& plan = work.plan;
  RunReport report(session, options.events, options.parsed_shard());
  report.event("start", {{"run", places.folder.string()},
                         {"plan", plan.id},
                         {"generation", plan.generation()},
                         {"images", plan.images.size()},
                         {"pairs", plan.pairs()},
                         {"blocks", plan.blocks.size()}});
  const auto kept = [&](const char* how) {
    session.info("{}: {} blocks were finished and are kept in {}; run the same command again to resume", how,
                 report.blocks_done(), places.folder.string());
  };
  try {
    const CollectionStatistics run = run_collection(work, places, options.parsed_shard(), &report, session.control());
    report.event("end", statistics_json(run));
    return run;
  } catch (const Interrupted&) {
    report.event("interrupted", {{"blocks_done", report.blocks_done()}});
    kept("stopped");
    throw;
  } catch (const ImageChanged& error) {
    report.event("error", {{"what", error.what()}});
    session.info(
        "the same command again takes the images as they are then, and repeats the pairs that have a changed one");
    throw;
  } catch (const Error& error) {
    report.event("error", {{"what", error.what()}});
    if (report.blocks_done() > 0) kept("failed");
    if (dynamic_cast<const FormatError*>(&error) != nullptr) {
      session.info("--leave-out NAME skips an image that cannot be decoded");
    }
    throw;
  }
}

/// The blocks of a shard that have no file yet.
std::vector<std::int64_t> not_done(const CollectionPlan& plan, const RunPlaces& places, const Shard& shard) {
  std::vector<std::int64_t> blocks = shard_blocks(plan, shard);
  std::erase_if(blocks, [&](std::int64_t n) {
    const Block& block = plan.blocks[static_cast<std::size_t>(n)];
    return std::filesystem::exists(places.folder / "blocks" / (plan.block_id(block) + ".block"));
  });
  return blocks;
}

/// One shard of several is done: what else the run needs.
void report_shard(Session& session, const RunPlaces& places, const Shard& shard) {
  const std::int64_t missing = CollectionMatches(places.folder).absent();
  session.info(
      "shard {} is done; {}: check with twinpatch merge {}, then run this command without --shard to write the result",
      shard.text(),
      missing == 0 ? "all blocks are finished"
                   : fmt::format("when the {} blocks of other shards are finished", missing),
      places.folder.string());
}

/// The network that matches, and the one of --rerank.
struct CollectionEngines {
  Engine first;
  std::optional<Engine> second;
  std::string numerics;  ///< precisions and what else changes the bits of a score on one device
  [[nodiscard]] Engine* rerank() { return second ? &*second : nullptr; }
};

/// What a run is made of.
struct CollectionJob {
  const CollectionOptions& options;
  CollectionEngines& engines;
  const ImageSource& source;
  const RunPlaces& places;
  const MatchGuide* guide = nullptr;
  const EarlyExit* early_exit = nullptr;
};

/// The same words for what was asked for and what auto came to: shards of either may work on one run.
std::string numerics(const CollectionEngines& engines, const ExecutionOptions& execution) {
  const Precision first = engines.first.precision().precision;
  std::string result = to_string(first);
  if (engines.second && engines.second->precision().precision != first) {
    result += fmt::format(", second network {}", to_string(engines.second->precision().precision));
  }
  return result + (execution.exact_convolutions ? ", exact convolutions" : "");
}

CollectionEngines make_engines(Session& session, Model model, const CollectionOptions& options) {
  CollectionEngines engines{make_engine(session, std::move(model), options.engine.execution), std::nullopt, {}};
  if (!options.rerank.empty()) {
    engines.second = make_engine(session, {.model = options.rerank, .execution = options.engine.execution});
    check_finds(engines.first.spec());
    (void)two_stage_rule(engines.second->model(), engines.first.spec().name);  // says at once what is missing
  }
  engines.numerics = numerics(engines, options.engine.execution);
  return engines;
}

/// Images that no pair has will be in no reconstruction.
void report_alone(Session& session, const ChosenPairs& chosen) {
  const std::int64_t images = chosen.pairs.images();
  if (chosen.pairs.count() == images * (images - 1) / 2) return;  // every pair: not to be walked for this
  std::vector<std::string> alone;
  const std::vector<std::int64_t> of_image = degrees(chosen.pairs);
  for (std::size_t i = 0; i < of_image.size(); ++i) {
    if (of_image[i] == 0 && !chosen.images[i].is_left_out()) alone.push_back(chosen.images[i].name);
  }
  if (alone.empty()) return;
  session.warn("{} of {} images are in no pair: {}", alone.size(), chosen.images.size(), quoted_names(alone));
}

/// Lists the images and selects pairs without those that are left out.
ChosenPairs choose_pairs(Session& session, const CollectionJob& job, const PairCandidates& candidates) {
  const auto& [options, engines, source, places, guide, early_exit] = job;
  ImageListing listing = list_images(source, options.leave_out, session.control());
  const bool all_are_needed = candidates.choice.has(PairRule::Kind::retrieval);
  if (all_are_needed) settle_damaged(session, listing.damaged, source.size(), options.leave_out_damaged);
  const auto [all, by_rule] = select_pairs(session, candidates,
                                           {engines.first,
                                            source,
                                            {places.descriptors, engines.numerics, listing.images},
                                            options.engine.execution.threads,
                                            options.global_vectors});
  std::vector<DamagedImage> needed;  // a list of pairs may have no use for a damaged image
  for (const auto& image : listing.damaged) {
    if (all_are_needed || all.uses(image.image)) needed.push_back(image);
  }
  if (!all_are_needed) settle_damaged(session, needed, source.size(), options.leave_out_damaged);
  std::vector<bool> out;
  for (const auto& image : listing.images) out.push_back(image.is_left_out());
  ChosenPairs chosen{std::move(listing.images), all.without(out), options.leave_out, by_rule};
  for (const auto& image : needed) chosen.left_out.push_back(image.name);
  if (!chosen.left_out.empty()) {
    session.warn("{} image{} left out, and so {} pairs of images", chosen.left_out.size(),
                 chosen.left_out.size() == 1 ? "" : "s", all.count() - chosen.pairs.count());
  }
  report_alone(session, chosen);
  return chosen;
}

/// "2 images are new" and the like; nothing for none.
void report_images(Session& session, const std::vector<std::string>& names, const char* one, const char* several) {
  if (names.empty()) return;
  session.info("{} {}: {}", names.size(), names.size() == 1 ? one : several, quoted_names(names));
}

void report_changes(Session& session, const PlanChanges& changes, const CollectionPlan& plan) {
  report_images(session, changes.added, "image is new", "images are new");
  report_images(session, changes.changed, "image has changed since the run was planned, and its pairs are done again",
                "images have changed since the run was planned, and their pairs are done again");
  report_images(session, changes.gone, "image of the run is left out or no longer there",
                "images of the run are left out or no longer there");
  report_images(session, changes.back, "image is taken in again", "images are taken in again");
  session.info("the run goes on: {} of {} blocks are new or have other pairs, {} are as before", changes.blocks,
               plan.blocks.size(), std::ssize(plan.blocks) - changes.blocks);
}

/// Says what is new since the run was planned.
RunPlan plan_run(Session& session, const CollectionJob& job, const ChosenPairs& chosen) {
  const auto& [options, engines, source, places, guide, early_exit] = job;
  PairRules rules = options.rules(engines.first.spec());
  if (guide != nullptr) rules.guide = guide->rule();
  if (early_exit != nullptr) rules.early_exit = early_exit->rule();
  const PlanRequest request{.rules = std::move(rules),
                            .numerics = engines.numerics,
                            .tile_keypoints = options.block_keypoints,
                            .rerank = engines.rerank(),
                            .images = chosen.images,
                            .folder = places.folder};
  RunPlan run{make_plan(engines.first, source, chosen.pairs, request, session.control()), std::nullopt};
  const auto held = places.folder / "plan.json";
  if (run.plan.generation() == 0 || !std::filesystem::exists(held)) return run;
  const CollectionPlan before = read_plan(held);
  if (before.id == run.plan.id) return run;
  run.changes = changes_between(before, run.plan);
  report_changes(session, *run.changes, run.plan);
  return run;
}

std::optional<MatchedImages> match_images(Session& session, const CollectionWork& work, const RunPlaces& places,
                                          const CollectionOptions& options, const std::vector<RuleCount>& by_rule) {
  const Shard shard = options.parsed_shard();
  if (const auto task = Shard::slurm_task(); task && options.shard.empty()) {
    session.warn(
        "task {} of a Slurm job array does its whole run by itself; --shard slurm shares one run among the tasks, "
        "--shard 1/1 says that each task has its own",
        *task);
  }
  if (options.dry_run) {
    const std::vector<std::int64_t> todo = not_done(work.plan, places, shard);
    print_plan(session, work.plan,
               {estimate_run(work, todo, session.control()), shard, std::ssize(todo), degrees(work.pairs), by_rule});
    return std::nullopt;
  }
  const CollectionStatistics run = run_shard(session, work, places, options);
  summarise(session, work, places, run);
  if (shard.count == 1) return MatchedImages{CollectionMatches(places.folder), run};
  report_shard(session, places, shard);
  return std::nullopt;
}

}  // namespace

void settle_damaged(Session& session, const std::vector<DamagedImage>& damaged, std::int64_t images, bool leave_out) {
  if (damaged.empty()) return;
  for (const auto& image : damaged) session.warn("\"{}\" cannot be read: {}", image.name, image.what);
  if (leave_out) return;
  throw InvalidArgument(
      fmt::format("{} of {} images cannot be read; replace them, or leave them out with --leave-out-damaged",
                  damaged.size(), images));
}

nlohmann::ordered_json changes_json(const std::optional<PlanChanges>& changes) {
  if (!changes) return nullptr;
  return {{"added", changes->added}, {"changed", changes->changed}, {"gone", changes->gone},
          {"back", changes->back},   {"pairs", changes->pairs},     {"blocks", changes->blocks}};
}

nlohmann::ordered_json early_exit_json(const CollectionOptions& options, const CollectionStatistics& run,
                                       std::int64_t dropped) {
  if (!options.early_exit) return nullptr;
  return {{"keypoints", *options.early_exit},       {"pairs_dropped", dropped},
          {"pairs_sampled", run.sampled},           {"rows_compared", run.sampled_rows},
          {"comparisons", run.sampled_comparisons}, {"seconds", run.stages.sample}};
}

std::function<nlohmann::ordered_json(std::int64_t dropped)> early_exit_of(const CollectionOptions& options,
                                                                          const CollectionRun& collection) {
  return [&options, run = collection.matched->run](std::int64_t dropped) {
    return early_exit_json(options, run, dropped);
  };
}

CollectionRun match_collection(Session& session, CollectionInput input, const CollectionOptions& options) {
  const auto guide = make_guide(session, options.guide, input.geometry);
  const auto early_exit = make_early_exit(session, options.early_exit, input.geometry);
  CollectionEngines engines = make_engines(session, std::move(input.model), options);
  const CollectionJob job{options, engines, input.source, input.places, guide.get(), early_exit.get()};
  CollectionRun result{
      .chosen = choose_pairs(session, job, input.candidates), .run = {}, .saturation = {}, .matched = {}};
  result.run = plan_run(session, job, result.chosen);
  const CollectionWork work{engines.first,    input.source, result.chosen.pairs, result.run.plan,
                            engines.rerank(), guide.get(),  early_exit.get()};
  result.matched = match_images(session, work, input.places, options, result.chosen.by_rule);
  result.saturation = saturation_json(engines.first);
  return result;
}

}  // namespace twinpatch::app
