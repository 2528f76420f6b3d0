// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <limits>

#include "text_lines.hpp"
#include "twinpatch/sfm/colmap_model.hpp"

namespace twinpatch {

namespace {

std::uint32_t read_id(TextLines& lines, std::string_view what) {
  return static_cast<std::uint32_t>(lines.integer(what, 0, std::numeric_limits<std::uint32_t>::max()));
}

CameraModel read_model_name(TextLines& lines) {
  const auto name = lines.field("a camera model");
  for (std::int32_t i = 0; camera_model_parameters(static_cast<CameraModel>(i)) > 0; ++i) {
    if (camera_model_name(static_cast<CameraModel>(i)) == name) return static_cast<CameraModel>(i);
  }
  lines.fail(fmt::format("unknown camera model \"{}\"", name.substr(0, 40)));
}

}  // namespace

void parse_cameras_text(std::string_view text, const std::string& path, ColmapModel& model) {
  TextLines lines(text, path);
  while (lines.next_filled()) {
    const std::uint32_t id = read_id(lines, "a camera id");
    ColmapCamera camera;
    camera.model = read_model_name(lines);
    camera.width = lines.integer("the width");
    camera.height = lines.integer("the height");
    for (int p = 0; p < camera_model_parameters(camera.model); ++p) {
      camera.parameters.push_back(lines.real("a camera parameter"));
    }
    if (lines.has_field()) {
      lines.fail(
          fmt::format("{} takes {} parameters, found more", camera_model_name(camera.model), camera.parameters.size()));
    }
    if (!model.cameras.emplace(id, std::move(camera)).second) lines.fail(fmt::format("duplicate camera id {}", id));
  }
}

void parse_images_text(std::string_view text, const std::string& path, ColmapModel& model) {
  TextLines lines(text, path);
  while (lines.next_filled()) {
    const std::uint32_t id = read_id(lines, "an image id");
    ColmapImage image;
    for (double& value : image.rotation) value = lines.real("the rotation");
    for (double& value : image.translation) value = lines.real("the translation");
    image.camera = read_id(lines, "a camera id");
    image.name = lines.remainder("the image's name");
    // The second line of an image may be empty: no keypoints.
    if (!lines.next()) lines.fail(fmt::format("image {}: its second line, the keypoints, is missing", id));
    while (lines.has_field()) {
      ColmapObservation keypoint;
      keypoint.x = lines.real("a keypoint's x");
      keypoint.y = lines.real("a keypoint's y");
      keypoint.point = lines.integer("a point id or -1", -1, std::numeric_limits<std::int64_t>::max());
      image.keypoints.push_back(keypoint);
    }
    if (!model.images.emplace(id, std::move(image)).second) lines.fail(fmt::format("duplicate image id {}", id));
  }
}

void parse_points_text(std::string_view text, const std::string& path, ColmapModel& model) {
  TextLines lines(text, path);
  while (lines.next_filled()) {
    const std::int64_t id = lines.integer("a point id", 0, std::numeric_limits<std::int64_t>::max());
    ColmapPoint point;
    for (double& value : point.position) value = lines.real("the position");
    for (int c = 0; c < 3; ++c) (void)lines.integer("a colour", 0, 255);
    point.error = lines.real("the error");
    while (lines.has_field()) {
      const std::uint32_t image = read_id(lines, "an image id");
      point.track.push_back({image, read_id(lines, "a keypoint's index")});
    }
    if (!model.points.emplace(id, std::move(point)).second) lines.fail(fmt::format("duplicate point id {}", id));
  }
}

}  // namespace twinpatch
