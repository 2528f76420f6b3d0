// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/homography.hpp"

#include "fuzz/fuzz.hpp"

namespace twinpatch::fuzz {

void run_target(Bytes input) {
  const auto path = scratch_file(input, ".txt");
  refused([&] {
    const Homography homography = read_homography(path);
    check_homography(homography);
    (void)inverse(homography);
    (void)carry_over({.x = 20, .y = 30, .sigma = 2, .angle = 1}, homography);
    const Keypoint points[] = {{.x = 1, .y = 2, .sigma = 3}};
    const Match matches[] = {{0, 0, 1}};
    (void)transfer_errors(points, points, matches, homography);
  });
}

}  // namespace twinpatch::fuzz
