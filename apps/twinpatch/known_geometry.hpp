// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/twinpatch/colmap_images.hpp"

namespace twinpatch::app {

/// The geometries of a database as they were when the run began: they are kept in its folder (not by a dry run), since
/// the run's own results replace them in the database. Throws InvalidArgument where there are none, or one that is no
/// geometry (check_geometry); what ColmapDatabase::geometries() and reading the run's file do.
[[nodiscard]] KnownGeometry geometries_of_database(Session& session, const ColmapOptions& options,
                                                   const ColmapImages& images);

}  // namespace twinpatch::app
