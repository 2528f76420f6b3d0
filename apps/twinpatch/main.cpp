// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <new>

#include "apps/frame/command.hpp"
#include "apps/twinpatch/commands.hpp"

int main(int argc, char** argv) try {
  using namespace twinpatch::app;
  const Command twinpatch{
      .name = "twinpatch",
      .summary = "compares image patches with convolutional networks",
      .examples = {{"match two photographs and draw the matches",
                    "twinpatch match left.png right.png --view matches.png > matches.txt"},
                   {"descriptors of the patches in an array of uint8 [N,64,64]",
                    "twinpatch describe patches.npy -o descriptors.npy"},
                   {"every left patch against every right one, keeping the best two",
                    "twinpatch grid left.npy right.npy --top 2 -o best"}},
      .notes = "",
      .add_options = {},
      .children = {match_command(), describe_command(), score_command(), grid_command(), eval_command(),
                   model_command(), dataset_command(), colmap_command(), export_command(), merge_command(),
                   plan_command(), doctor_command(), bench_command()}};
  return run_program(twinpatch, TWINPATCH_VERSION, argc, argv);
} catch (const std::bad_alloc&) {
  // Before the commands were there, or in the telling of another error: nothing that allocates may be called.
  (void)std::fputs("error: out of memory\n", stderr);
  return 1;
}
