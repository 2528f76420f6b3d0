// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include "apps/frame/options.hpp"

#include "apps/twinpatch/colmap_options.hpp"
#include "apps/twinpatch/commands.hpp"

namespace twinpatch::app {
namespace {

Run add_plan_options(Options& app) {
  auto options = std::make_shared<ColmapOptions>();
  add_colmap_options(app, *options);
  options->collection.dry_run = true;
  return [options](Session& session) { return run_colmap(session, *options); };
}

}  // namespace

Command plan_command() {
  return {.name = "plan",
          .summary = "estimate what matching the images of a COLMAP database takes",
          .examples = {{"images, pairs, blocks, bytes, time", "twinpatch plan database.db --images images"},
                       {"one of eight shards", "twinpatch plan database.db --images images --shard 1/8"},
                       {"for a script", "twinpatch plan database.db --images images --json"}},
          .notes =
              "The options are those of twinpatch colmap, of which this is the --dry-run. A few images "
              "are read and compared for some seconds to measure this host; nothing is written.",
          .add_options = add_plan_options,
          .children = {}};
}

}  // namespace twinpatch::app
