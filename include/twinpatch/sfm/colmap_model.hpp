// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twinpatch {

using Vector2 = std::array<double, 2>;
using Vector3 = std::array<double, 3>;

/// COLMAP's camera models by their numbers in cameras.bin.
enum class CameraModel : std::int32_t {
  simple_pinhole = 0,
  pinhole = 1,
  simple_radial = 2,
  radial = 3,
  opencv = 4,
  opencv_fisheye = 5,
  full_opencv = 6,
  fov = 7,
  simple_radial_fisheye = 8,
  radial_fisheye = 9,
  thin_prism_fisheye = 10,
};
/// "SIMPLE_RADIAL" etc.; empty for an unknown model.
[[nodiscard]] std::string_view camera_model_name(CameraModel model);
/// How many parameters the model has; 0 for an unknown model.
[[nodiscard]] int camera_model_parameters(CameraModel model);

struct ColmapCamera {
  CameraModel model = CameraModel::pinhole;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<double> parameters;
};

struct ColmapObservation {
  double x = 0;  ///< pixels; the image's corner is (0,0)
  double y = 0;
  std::int64_t point = -1;  ///< -1: this keypoint belongs to no point
};

struct ColmapImage {
  std::string name;
  std::array<double, 4> rotation{1, 0, 0, 0};  ///< w x y z, world to camera
  Vector3 translation{};
  std::uint32_t camera = 0;
  std::vector<ColmapObservation> keypoints;
};

struct ColmapPoint {
  struct Element {
    std::uint32_t image = 0;
    std::uint32_t keypoint = 0;  ///< index into ColmapImage::keypoints
  };
  Vector3 position{};
  double error = 0;  ///< mean reprojection error, pixels
  std::vector<Element> track;
};

/// A sparse reconstruction. Every id that one part names exists in the others: readers check it.
struct ColmapModel {
  std::map<std::uint32_t, ColmapCamera> cameras;
  std::map<std::uint32_t, ColmapImage> images;
  std::map<std::int64_t, ColmapPoint> points;
};

/// The folder of a model: cameras, images and points3D as .bin or .txt (.bin if both exist). Throws IoError,
/// FormatError (byte or line), and Error if the parts contradict each other.
[[nodiscard]] ColmapModel read_colmap_model(const std::filesystem::path& folder);

// The parts, from memory; `path` is for messages.
void parse_cameras_bin(std::span<const std::byte> bytes, const std::string& path, ColmapModel& model);
void parse_images_bin(std::span<const std::byte> bytes, const std::string& path, ColmapModel& model);
void parse_points_bin(std::span<const std::byte> bytes, const std::string& path, ColmapModel& model);
void parse_cameras_text(std::string_view text, const std::string& path, ColmapModel& model);
void parse_images_text(std::string_view text, const std::string& path, ColmapModel& model);
void parse_points_text(std::string_view text, const std::string& path, ColmapModel& model);
/// Throws Error naming the first id that one part names and the other lacks.
void check_colmap_model(const ColmapModel& model, const std::string& path);

/// The point in the camera's own frame (z forward).
[[nodiscard]] Vector3 to_camera(const ColmapImage& image, const Vector3& world);
[[nodiscard]] Vector3 camera_centre(const ColmapImage& image);
/// Pixel of a point in the camera's frame, with the lens's distortion; nothing for a point behind the camera, or so far
/// outside that the distortion folds back on itself.
[[nodiscard]] std::optional<Vector2> project(const ColmapCamera& camera, const Vector3& in_camera);

}  // namespace twinpatch
