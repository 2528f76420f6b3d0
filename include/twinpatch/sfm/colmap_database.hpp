// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "twinpatch/patches/pair_list.hpp"
#include "twinpatch/sfm/colmap_ids.hpp"
#include "twinpatch/sfm/colmap_model.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"
#include "twinpatch/vision/keypoint.hpp"

namespace twinpatch {

/// The releases of COLMAP whose tables differ, recognised by their columns: `user_version` is 3900 from 3.9
/// to 3.13 and cannot tell them apart.
enum class ColmapSchema { v3_8, v3_10, v3_11, v3_12, v4_0, v4_2 };
/// "3.8 or 3.9", "3.12 or 3.13", …
[[nodiscard]] std::string_view colmap_schema_name(ColmapSchema schema);

struct ColmapImageRow {
  ColmapImageId id{};
  std::string name;  ///< relative to the folder of the images, UTF-8
  std::uint32_t camera = 0;
  std::int64_t keypoints = -1;  ///< rows; -1: none were ever stored
  int columns = 0;              ///< of a keypoint: 2, 4 or 6
};

struct ColmapCameraRow {
  ColmapCamera camera;
  bool has_prior_focal_length = false;  ///< the focal length is from EXIF or the user, not a guess
};

/// `coordinate_system` of COLMAP's pose_priors.
enum class ColmapCoordinates : int { undefined = -1, wgs84 = 0, cartesian = 1 };
/// Where an image was taken, as its pose prior has it.
struct ColmapPosition {
  ColmapImageId image{};
  /// WGS84: latitude and longitude in degrees, altitude in metres. Cartesian: x y z in a unit of the user's.
  std::array<double, 3> position{};
  ColmapCoordinates coordinates = ColmapCoordinates::undefined;
};
/// A camera of a rig.
struct ColmapRigCamera {
  std::int64_t rig = 0;
  std::int64_t camera = 0;
};

/// A COLMAP database, opened read-only: nothing in it changes, no version migrates. May be shared by threads.
///
/// Everything here throws IoError (no such file, locked for longer than the wait, unreadable) and FormatError (not
/// a COLMAP database, a table or column that is missing, a blob of another size than in its row); in a build without
/// SQLite, Error saying so.
class ColmapDatabase {
 public:
  /// A stop ends a query that runs: it throws Interrupted.
  explicit ColmapDatabase(const std::filesystem::path& path, std::stop_token stop = {});
  ~ColmapDatabase();
  ColmapDatabase(ColmapDatabase&&) noexcept;
  ColmapDatabase& operator=(ColmapDatabase&&) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const noexcept;
  [[nodiscard]] ColmapSchema schema() const noexcept;

  /// By id.
  [[nodiscard]] std::vector<ColmapImageRow> images() const;
  [[nodiscard]] std::map<std::uint32_t, ColmapCameraRow> cameras() const;

  /// Keypoints of an image, row i for COLMAP's index i; empty where none are stored. Two columns (x y) have no
  /// scale or angle, and four or six no scale if it is the same for all (see have_scales): they get `sigma` and, with
  /// two columns, angle 0; without `sigma` FormatError is thrown. Four are x y scale angle. Six are x y and the affine
  /// shape a11 a12 a21 a22 (keypoint_with_shape).
  [[nodiscard]] std::vector<Keypoint> keypoints(ColmapImageId image, std::optional<float> sigma = {}) const;

  /// Whether its keypoints say how large their patches are; also if there are none.
  [[nodiscard]] bool has_scales(ColmapImageId image) const;

  /// Indices (into a's keypoints, into b's) of the stored matches of a pair; nothing if the pair has no row.
  [[nodiscard]] std::optional<std::vector<IndexPair>> matches(ColmapImageId a, ColmapImageId b) const;

  /// Pose priors of images by id, without those that have no position or one that is not finite; empty before COLMAP
  /// 3.10, whose databases have none.
  [[nodiscard]] std::vector<ColmapPosition> positions() const;
  /// The frame of every image that is part of one; empty before COLMAP 3.12.
  [[nodiscard]] std::map<ColmapImageId, std::int64_t> frames() const;
  /// Cameras of rigs of several whose place in the rig is not known.
  [[nodiscard]] std::vector<ColmapRigCamera> uncalibrated_cameras() const;
  /// Pairs with at least so many rows in two_view_geometries, the smaller id first, sorted.
  [[nodiscard]] std::vector<ColmapPair> verified_pairs(std::int64_t min_inliers) const;
  /// The geometries of two_view_geometries by pair, without their inliers; planar (4) and panoramic (5) ones as
  /// planar_or_panoramic. Without rows that have no geometry: degenerate, undefined, watermarks, of several models.
  /// Throws FormatError for a matrix of another size than nine numbers, and for an inlier that its image has no
  /// keypoint for: a geometry of other images.
  [[nodiscard]] std::map<ColmapPair, ColmapGeometry> geometries() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinpatch
