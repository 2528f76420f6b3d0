// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch::fuzz {

void run_target(Bytes input) {
  const auto path = scratch_file(input, ".txt");
  std::vector<Keypoint> keypoints;
  if (refused([&] { keypoints = read_keypoints(path); })) return;
  write_keypoints(path, keypoints);
  require(read_keypoints(path) == keypoints, "keypoints that do not come back");
}

}  // namespace twinpatch::fuzz
