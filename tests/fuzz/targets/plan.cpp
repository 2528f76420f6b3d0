// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/collection/plan.hpp"

#include "fuzz/fuzz.hpp"

namespace twinpatch::fuzz {

void run_target(Bytes input) {
  const auto path = scratch_file(input, ".json");
  CollectionPlan plan;
  if (refused([&] { plan = read_plan(path); })) return;
  (void)plan.keypoints();
  (void)plan.pairs();
  (void)plan.comparisons();
  for (int shard = 0; shard < 3; ++shard) refused([&] { (void)shard_blocks(plan, {shard, 3}); });
  write_plan(path, plan);
  require(read_plan(path).id == plan.id, "a plan that does not come back");
}

}  // namespace twinpatch::fuzz
