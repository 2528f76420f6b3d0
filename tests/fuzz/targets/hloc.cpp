// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.hpp"
#include "twinpatch/sfm/hloc_features.hpp"
#include "twinpatch/sfm/hloc_matches.hpp"

namespace twinpatch::fuzz {

// HDF5 itself is not instrumented, and is what breaks first.
void run_target(Bytes input) {
  const auto path = scratch_file(input, ".h5");
  refused([&] {
    const HlocFeatureFile file(path);
    for (const auto& name : file.names()) {
      refused([&] { (void)file.keypoint_count(name); });
      refused([&] { (void)usable_keypoints(file.read(name), name, 1.5F); });
    }
  });
  refused([&] { (void)read_hloc_matches(path, "a.jpg", "b.jpg"); });
}

}  // namespace twinpatch::fuzz
