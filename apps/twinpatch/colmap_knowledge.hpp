// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/twinpatch/colmap_images.hpp"

namespace twinpatch::app {

/// What the database knows of its images for the rules of --pairs, and the frames for --skip-same-frame. Says which
/// images have no position. Throws InvalidArgument where it has no positions, positions of several kinds or without a
/// unit, no verified pairs, no frames, or a rig whose cameras have no known places.
[[nodiscard]] PairKnowledge read_knowledge(Session& session, const ColmapOptions& options, const ColmapImages& images);

}  // namespace twinpatch::app
