// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/twinpatch/colmap_options.hpp"
#include "apps/twinpatch/masks.hpp"
#include "twinpatch/sfm/colmap_database.hpp"
#include "twinpatch/sfm/feature_image_source.hpp"

namespace twinpatch::app {

class Options;

/// A database and its images in order of their ids: image i of a run is rows[i].
struct ColmapImages {
  ColmapDatabase database;
  std::vector<ColmapImageRow> rows;
  std::map<std::uint32_t, ColmapCameraRow> cameras;

  [[nodiscard]] std::vector<std::string> names() const;
  /// Null for a camera that the database does not have.
  [[nodiscard]] const ColmapCameraRow* camera(const ColmapImageRow& row) const;
};

/// Opens the database and, with --extract, detects keypoints first. Says which images have none. Throws InvalidArgument
/// where no image has any, where keypoints have no scale and no --patch-size was given, and where photographs are
/// missing (naming them).
[[nodiscard]] ColmapImages open_images(Session& session, const ColmapOptions& options);

/// Side of a window divided by the extent: the scale of keypoints that have none.
[[nodiscard]] std::optional<float> sigma_of_points(const ColmapOptions& options, const CutOptions& cut);

struct ColmapSource {
  FeatureImageSource source;
  std::optional<MaskSummary> masks;
};
/// Their patches, and what --masks hides. Refers to `images`.
[[nodiscard]] ColmapSource image_source(Session& session, const ColmapImages& images, const ColmapOptions& options,
                                        const CutOptions& cut);

/// Their keypoints and cameras by name. Refers to `images`.
[[nodiscard]] GuideSource guide_source(const ColmapImages& images, std::optional<float> sigma);

}  // namespace twinpatch::app
