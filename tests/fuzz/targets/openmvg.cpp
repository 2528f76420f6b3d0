// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/openmvg.hpp"

#include "fuzz/fuzz.hpp"

namespace twinpatch::fuzz {

void run_target(Bytes input) {
  Input choice(input);
  const bool features = choice.flag();
  const auto path = scratch_file(choice.rest(), features ? ".feat" : ".json");
  refused([&] {
    if (!features) return (void)read_openmvg_project(path);
    const auto keypoints = read_openmvg_features(path);
    write_openmvg_features(path, keypoints);
    require(read_openmvg_features(path).size() == keypoints.size(), "features that do not come back");
  });
}

}  // namespace twinpatch::fuzz
