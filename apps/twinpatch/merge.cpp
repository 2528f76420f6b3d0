// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"
#include "apps/twinpatch/commands.hpp"
#include "twinpatch/collection/matches.hpp"

namespace twinpatch::app {
namespace {

/// Lines that name missing blocks before the rest is counted.
constexpr std::size_t kNamed = 50;

struct MergeOptions {
  std::vector<std::string> runs;
  std::string out;
};

std::string block_text(const CollectionPlan& plan, const Block& block) {
  const auto range = [&](const ImageRange& images) {
    const auto name = [&](std::int32_t image) { return plan.images[static_cast<std::size_t>(image)].name; };
    if (images.size() == 1) return fmt::format("\"{}\"", name(images.begin));
    return fmt::format("\"{}\" to \"{}\"", name(images.begin), name(images.end - 1));
  };
  return fmt::format("block {}: {} pair{} of images, {} with {}", plan.block_id(block), block.pairs,
                     block.pairs == 1 ? "" : "s", range(block.rows), range(block.columns));
}

ExitCode report_missing(Session& session, const CollectionPlan& plan, const IncompleteRun& error) {
  const auto& missing = error.missing();
  nlohmann::ordered_json ids = nlohmann::ordered_json::array();
  for (std::size_t n = 0; n < missing.size(); ++n) {
    const Block& block = plan.blocks[static_cast<std::size_t>(missing[n])];
    ids.push_back(plan.block_id(block));
    if (n < kNamed) session.warn("missing or damaged: {}", block_text(plan, block));
  }
  if (missing.size() > kNamed) session.warn("and {} more", missing.size() - kNamed);
  session.error(fmt::format("{} of {} blocks are missing or damaged; run their shards again", missing.size(),
                            plan.blocks.size()));
  if (session.options().json) {
    session.print_json("twinpatch.merge/1", {{"complete", false}, {"blocks", plan.blocks.size()}, {"missing", ids}});
  }
  return ExitCode::partial;
}

ExitCode run_merge(Session& session, const MergeOptions& options) {
  if (options.runs.size() > 1 && options.out.empty()) throw UsageError("-o DIR is needed to merge several runs");
  const std::vector<std::filesystem::path> folders(options.runs.begin(), options.runs.end());
  const std::filesystem::path target = options.out.empty() ? folders.front() : std::filesystem::path(options.out);
  try {
    const MergeSummary merged = merge_runs(folders, target, session.control());
    session.info("{} is complete: {} blocks, {} pairs of images, {} matches, digest {}", target.string(), merged.blocks,
                 merged.pairs, merged.matches, merged.digest);
    if (session.options().json) {
      session.print_json("twinpatch.merge/1", {{"complete", true},
                                               {"run", target.string()},
                                               {"blocks", merged.blocks},
                                               {"pairs", merged.pairs},
                                               {"matches", merged.matches},
                                               {"pairs_dropped", merged.dropped},
                                               {"digest", merged.digest}});
    }
    return ExitCode::done;
  } catch (const IncompleteRun& error) {
    return report_missing(session, CollectionMatches(folders).plan(), error);
  }
}

Run add_merge_options(Options& app) {
  auto options = std::make_shared<MergeOptions>();
  app.add_option("RUN", options->runs, "folder of a run, or the folders of its shards")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("-o,--out", options->out, "folder for the merged run [RUN, if there is only one]")
      ->never_standard_output()
      ->type_name("DIR")
      ->group(kMainGroup);
  return [options](Session& session) { return run_merge(session, *options); };
}

}  // namespace

Command merge_command() {
  return {.name = "merge",
          .summary = "check that the shards of a long run are complete, and merge them",
          .examples = {{"shards in one folder: is anything missing?", "twinpatch merge run"},
                       {"shards from several machines into one folder", "twinpatch merge run-1 run-2 run-3 -o run"}},
          .notes =
              "Verifies the checksum of every block. If blocks are missing or damaged, they are named, nothing is "
              "written, and the exit code is 3. The digest is equal for equal results.",
          .add_options = add_merge_options,
          .children = {}};
}

}  // namespace twinpatch::app
