// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "apps/frame/options.hpp"

#include "apps/twinpatch/colmap_export.hpp"
#include "apps/twinpatch/colmap_images.hpp"
#include "apps/twinpatch/colmap_knowledge.hpp"
#include "apps/twinpatch/colmap_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "apps/twinpatch/export_common.hpp"
#include "apps/twinpatch/known_geometry.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/core/units.hpp"
#include "twinpatch/sfm/colmap_next.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"

namespace twinpatch::app {
namespace {

/// The list of pairs that got matches; false where a name fits into no list.
bool write_pair_list(Session& session, const ColmapOptions& options, const std::vector<std::string>& names,
                     const std::vector<ImagePair>& pairs) {
  std::string text;
  try {
    text = format_image_pairs(pairs, names);
  } catch (const InvalidArgument& error) {
    session.warn("no list of pairs is written: {}", error.what());
    return false;
  }
  AtomicFile file(options.pair_list_path());
  file.write(text);
  file.commit();
  return true;
}

/// "1 pair", "3 pairs".
std::string pairs(std::int64_t count) { return fmt::format("{} pair{}", count, count == 1 ? "" : "s"); }

void report_written(Session& session, const ColmapOptions& options, const ColmapExport& result) {
  const ColmapWriteCounts& counts = result.counts;
  if (counts.pairs > 0 || counts.geometries > 0) {
    session.info("{}: {} matches of {} written, and {} geometries, in {}", options.database, counts.matches,
                 pairs(counts.pairs), counts.geometries, format_seconds(result.seconds));
  } else {
    session.info("{}: nothing to write", options.database);
  }
  const std::int64_t without = result.pairs - std::ssize(result.matched);
  if (without > 0) session.info("{} of {} without a match", without, pairs(result.pairs));
  if (result.dropped > 0) session.info("{} of them were dropped by --early-exit", result.dropped);
  if (counts.unchanged > 0) session.info("{} already had the same matches", pairs(counts.unchanged));
  if (counts.kept > 0) {
    const std::string empty = fmt::format(" ({} of them empty, which COLMAP skips as done)", counts.kept_empty);
    session.warn("{} already had other matches, which were kept{}; --replace overwrites them", pairs(counts.kept),
                 counts.kept_empty == 0 ? "" : empty);
  }
  if (counts.removed > 0) session.info("old rows of {} without a match were deleted", pairs(counts.removed));
  if (!options.verify) return;
  session.info(
      "verified: {} calibrated, {} uncalibrated, {} planar or purely rotated, {} watermarks, {} with too few "
      "inliers",
      pairs(result.calibrated), result.uncalibrated, result.planar, result.watermarks, result.degenerate);
}

/// What comes next, as commands of the shell.
struct NextCommands {
  std::vector<std::string> colmap;
  std::vector<std::string> pycolmap;  ///< the same where no program `colmap` is there
};

bool has_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (::access((std::filesystem::path(rest.substr(0, end)) / name).c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

NextCommands report_next(Session& session, const ColmapOptions& options, const ColmapImages& images,
                         const ColmapExport& result, bool has_list) {
  if (result.matched.empty()) {
    session.warn("no pair of images has a match: COLMAP cannot continue");
    return {};
  }
  bool spaces = !has_list;
  for (const auto& row : images.rows) spaces = spaces || row.name.find_first_of(" \t") != std::string::npos;
  const auto folder = std::filesystem::path(options.database).parent_path();
  const ColmapNextStep step{.database = options.database,
                            .images = options.images,
                            .pair_list = options.pair_list_path(),
                            .sparse = folder / "sparse",
                            .schema = images.database.schema(),
                            .verified = options.verify && result.counts.kept == 0,
                            .list_has_spaces = spaces};
  NextCommands next{colmap_next_commands(step), {}};
  if (next.colmap.empty()) {
    session.warn(
        "COLMAP {} cannot read a list of names with spaces. Run the same command again with --verify (nothing "
        "is matched again), or verify with `colmap geometric_verifier` of COLMAP 3.13 or newer",
        colmap_schema_name(images.database.schema()));
    return {};
  }
  session.info("next:");
  for (const std::string& command : next.colmap) session.info("  {}", command);
  if (has_program("colmap")) return next;
  next.pycolmap = pycolmap_next_commands(step);
  session.info("or, since no program `colmap` is there, with Python's pycolmap:");
  for (const std::string& command : next.pycolmap) session.info("  {}", command);
  return next;
}

/// What the run left: rows in the database, the list of pairs, the next commands.
struct Written {
  const ColmapExport& result;
  const CollectionStatistics& run;
  bool has_list = false;
  const NextCommands& next;
  const std::optional<MaskSummary>& masks;
};

nlohmann::ordered_json export_json(const ColmapOptions& options, const Written& written, const ChosenPairs& chosen,
                                   const RunPlan& run) {
  const ColmapExport& result = written.result;
  const ColmapWriteCounts& counts = result.counts;
  nlohmann::ordered_json object{{"database", options.database},
                                {"pairs", result.pairs},
                                {"pairs_with_matches", result.matched.size()},
                                {"pairs_written", counts.pairs},
                                {"matches_written", counts.matches},
                                {"pairs_unchanged", counts.unchanged},
                                {"pairs_kept", counts.kept},
                                {"pairs_removed", counts.removed},
                                {"transactions", counts.transactions},
                                {"seconds", result.seconds}};
  if (options.verify) {
    object["verified"] = {{"calibrated", result.calibrated},
                          {"uncalibrated", result.uncalibrated},
                          {"planar_or_panoramic", result.planar},
                          {"watermarks", result.watermarks},
                          {"degenerate", result.degenerate}};
  }
  if (written.has_list) object["pair_list"] = options.pair_list_path().string();
  object["pairs_by_rule"] = rules_json(chosen.by_rule);
  object["left_out"] = chosen.left_out;
  object["masks"] = masks_json(written.masks);
  object["early_exit"] = early_exit_json(options.collection, written.run, result.dropped);
  object["generation"] = run.plan.generation();
  object["changes"] = changes_json(run.changes);
  object["next"] = written.next.colmap;
  if (!written.next.pycolmap.empty()) object["next_pycolmap"] = written.next.pycolmap;
  return object;
}

}  // namespace

ExitCode run_colmap(Session& session, const ColmapOptions& options) {
  options.validate();
  if (!options.verify && options.collection.guide.kind == GuideChoice::Kind::none) {
    session.no_effect({"--min-inliers"}, "it needs --verify or --guided");
    if (!options.collection.early_exit)
      session.no_effect({"--max-error"}, "it needs --verify, --guided or --early-exit");
  }
  Model model = open_model(session, options.collection.engine.model);
  const CutOptions cut = cut_options(options.collection.photographs, model);
  // Found now rather than after hours of work: a lock, a disk that is full, a place that cannot be written to.
  if (!options.collection.dry_run) (void)ColmapWriter(options.database, options.write_options(session.control().stop));

  const ColmapImages images = open_images(session, options);
  const auto [source, masks] = image_source(session, images, options, cut);
  PairCandidates candidates = read_candidates(session, options.collection.pairs, images.names());
  candidates.knowledge = read_knowledge(session, options, images);

  const GuideInput geometry{
      .names = images.names(),
      .source = guide_source(images, sigma_of_points(options, cut)),
      .options = {.estimation = options.verification, .threads = options.collection.engine.execution.threads},
      .database = [&] { return geometries_of_database(session, options, images); }};
  const auto [chosen, run, saturation, matched] =
      match_collection(session, {std::move(model), source, candidates, geometry, options.places()}, options.collection);
  if (!matched) return chosen.exit_code(candidates.exit_code());

  const ColmapExport result = export_matches(session, options, images, matched->matches, sigma_of_points(options, cut));
  report_written(session, options, result);
  // Rows first, the list second: a pair that is listed without a row would be stored as empty, and count as done.
  const bool has_list = write_pair_list(session, options, names_of(run.plan), result.matched);
  const NextCommands next = report_next(session, options, images, result, has_list);
  if (session.options().json) {
    auto object = export_json(options, {result, matched->run, has_list, next, masks}, chosen, run);
    object["precision"] = run.plan.numerics;
    object["saturation"] = saturation;
    session.print_json("twinpatch.colmap/1", object);
  }
  return chosen.exit_code(candidates.exit_code());
}

namespace {

constexpr const char* kNotes =
    "Reads keypoints from the database, cuts patches around them from the photographs, and writes the matches "
    "into its table `matches`; nothing else in the file changes, and its version stays the same. COLMAP then verifies "
    "the matches and reconstructs; the commands for that are printed at the end. See docs/colmap.md.\n\n"
    "The blocks of the run are kept in DATABASE.twinpatch: run the same command again to resume, "
    "and "
    "`--shard i/N` with `twinpatch merge` spreads it over machines. The database is written when all blocks are "
    "there.\n\n"
    "--pairs FILE is a list as COLMAP and hloc write it, two names per line; a tab separates names with spaces. "
    "Unknown names are all reported, and the exit code is then 3.\n\n"
    "--pairs retrieval:N pairs each image with the N whose pooled descriptors are most similar. --rerank scores the "
    "nearest of both directions by a second network too, as one sum whose weights are in that network's file "
    "(twinpatch "
    "eval --fit).";

Run add_options(Options& app) {
  auto options = std::make_shared<ColmapOptions>();
  add_colmap_options(app, *options);
  return [options](Session& session) { return run_colmap(session, *options); };
}

}  // namespace

Command colmap_command() {
  return {
      .name = "colmap",
      .summary = "match the images of a COLMAP database, and store the matches in it",
      .examples = {{"every image with every other one", "twinpatch colmap database.db --images images"},
                   {"what it would take", "twinpatch colmap database.db --images images --dry-run"},
                   {"each image with the 20 most similar ones, geometrically verified",
                    "twinpatch colmap database.db --images images --pairs retrieval:20 --verify"},
                   {"a video: each frame with the next 10",
                    "twinpatch colmap database.db --images frames --pairs sequential:10"},
                   {"images without keypoints get SIFT's", "twinpatch colmap database.db --images images --extract"}},
      .notes = kNotes,
      .add_options = add_options,
      .children = {}};
}

}  // namespace twinpatch::app
