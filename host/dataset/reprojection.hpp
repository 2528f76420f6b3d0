// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "twinpatch/dataset/sources.hpp"
#include "twinpatch/sfm/colmap_tracks.hpp"
#include "twinpatch/vision/place_grid.hpp"

namespace twinpatch::dataset {

/// Carries points of a reconstruction to images in which they were not found, by the known poses.
class Reprojection {
 public:
  /// Keeps references to both.
  Reprojection(const ColmapModel& model, const std::vector<SeenPoint>& points, const ColmapDatasetOptions& options);

  /// Images, of those that share points with the ones that see point `p`, in which it is probably visible, with the
  /// keypoint it would have there: in front of the camera and inside the image; seen from a direction near one that saw
  /// it; as deep as the points seen around it there (else something stands before it); and of a size to be seen. Place
  /// by projection, size and direction by the local change between the images, the surface taken to be flat about the
  /// point.
  [[nodiscard]] std::vector<Sighting> candidates(std::size_t p) const;

  /// Images that share at least 15 points with this one.
  [[nodiscard]] std::vector<std::uint32_t> related(std::uint32_t image) const;
  /// Whether the image sees point `p`: its track says so, or it is as deep as the points seen around it there.
  [[nodiscard]] bool sees(std::uint32_t image, std::size_t p) const;
  /// The keypoint `seen` of point `p` as it appears in the image `target`, the surface taken to be flat about the
  /// point. Nothing behind the camera, and for a surface seen from behind or along it.
  [[nodiscard]] std::optional<Keypoint> carry(std::size_t p, const Sighting& seen, std::uint32_t target) const;

 private:
  /// A point seen in an image.
  struct Seen {
    double x;
    double y;
    double depth;
    std::size_t point;
  };
  struct Picture {
    const ColmapImage* image;
    const ColmapCamera* camera;
    Vector3 centre;
    std::vector<Seen> seen;
    PlaceGrid places;
    double radius;  ///< of a neighbourhood, pixels
  };

  [[nodiscard]] std::vector<std::size_t> neighbours(const Picture& picture, double x, double y, std::size_t own) const;
  [[nodiscard]] bool is_unhidden(const Picture& picture, std::size_t p) const;
  [[nodiscard]] Vector3 normal(std::size_t p) const;
  /// A keypoint in another image, and how much larger it is there.
  struct Transfer {
    Keypoint keypoint;
    double scale = 1;
  };
  [[nodiscard]] std::optional<Transfer> transfer(std::size_t p, const Vector3& normal, const Sighting& seen,
                                                 std::uint32_t target) const;
  [[nodiscard]] std::optional<Sighting> carried(std::size_t p, const Vector3& normal, std::uint32_t target) const;

  const std::vector<SeenPoint>& points_;
  const ColmapDatasetOptions& options_;
  std::map<std::uint32_t, Picture> pictures_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> related_;  ///< images that share points with an image
};

}  // namespace twinpatch::dataset
