// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.hpp"

#include "fuzz/fuzz.hpp"

namespace twinpatch::fuzz {

void run_target(Bytes input) {
  const auto folder = scratch_folder();
  write_bytes(train::checkpoint_path(folder), input);
  refused([&] {
    const auto state = train::read_checkpoint(folder, R"({"options": {"rate": 0.1, "steps": 5}})");
    require(state.has_value(), "a checkpoint that is there and not seen");
    train::write_checkpoint(folder, *state);
    require(train::read_checkpoint(folder, state->configuration)->step == state->step,
            "a step that does not come back");
  });
}

}  // namespace twinpatch::fuzz
