// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_model.hpp"

#include <fmt/format.h>

#include <cmath>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {

namespace {

namespace fs = std::filesystem;

using ParseBytes = void (*)(std::span<const std::byte>, const std::string&, ColmapModel&);
using ParseText = void (*)(std::string_view, const std::string&, ColmapModel&);

void read_part(const fs::path& folder, const char* stem, ParseBytes parse_bytes, ParseText parse_text,
               ColmapModel& model) {
  const fs::path binary = folder / fmt::format("{}.bin", stem);
  const fs::path text = folder / fmt::format("{}.txt", stem);
  if (fs::exists(binary)) {
    parse_bytes(read_file(binary), binary.string(), model);
  } else if (fs::exists(text)) {
    parse_text(read_text_file(text), text.string(), model);
  } else {
    throw IoError(folder.string(), fmt::format("not a COLMAP model: both {0}.bin and {0}.txt are missing", stem));
  }
}

void check_camera(std::uint32_t id, const ColmapCamera& camera, const std::string& path) {
  if (camera.width <= 0 || camera.height <= 0 || camera.width > 1'000'000 || camera.height > 1'000'000) {
    throw Error(fmt::format("{}: camera {} has the size {}x{}", path, id, camera.width, camera.height));
  }
  for (const double value : camera.parameters) {
    if (!std::isfinite(value)) throw Error(fmt::format("{}: camera {} has a parameter that is not finite", path, id));
  }
  if (!(camera.parameters.at(0) > 0)) throw Error(fmt::format("{}: camera {} has no focal length", path, id));
}

void check_image(std::uint32_t id, const ColmapImage& image, const ColmapModel& model, const std::string& path) {
  if (!model.cameras.contains(image.camera)) {
    throw Error(fmt::format("{}: image {} ({}) names camera {}, which is missing", path, id, image.name, image.camera));
  }
  double squares = 0;
  for (const double value : image.rotation) squares += value * value;
  const double shift = image.translation[0] + image.translation[1] + image.translation[2];
  if (!(squares > 1e-12) || !std::isfinite(squares) || !std::isfinite(shift)) {
    throw Error(fmt::format("{}: image {} ({}) has no valid pose", path, id, image.name));
  }
}

}  // namespace

ColmapModel read_colmap_model(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw IoError(folder.string(), "is not a folder with a COLMAP model");
  ColmapModel model;
  read_part(folder, "cameras", parse_cameras_bin, parse_cameras_text, model);
  read_part(folder, "images", parse_images_bin, parse_images_text, model);
  read_part(folder, "points3D", parse_points_bin, parse_points_text, model);
  check_colmap_model(model, folder.string());
  return model;
}

void check_colmap_model(const ColmapModel& model, const std::string& path) {
  if (model.images.empty()) throw Error(fmt::format("{}: the model has no images", path));
  for (const auto& [id, camera] : model.cameras) check_camera(id, camera, path);
  for (const auto& [id, image] : model.images) check_image(id, image, model, path);
  for (const auto& [id, point] : model.points) {
    for (const double value : point.position) {
      if (!std::isfinite(value)) throw Error(fmt::format("{}: point {} has no finite position", path, id));
    }
    for (const auto& element : point.track) {
      const auto image = model.images.find(element.image);
      if (image == model.images.end()) {
        throw Error(fmt::format("{}: point {} is seen in image {}, which is missing", path, id, element.image));
      }
      if (element.keypoint >= image->second.keypoints.size()) {
        throw Error(fmt::format("{}: point {} names keypoint {} of image {}, which has {}", path, id, element.keypoint,
                                image->second.name, image->second.keypoints.size()));
      }
    }
  }
}

}  // namespace twinpatch
