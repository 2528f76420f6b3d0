// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/colmap_images.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/frame/command.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"

namespace twinpatch::app {
namespace {

std::vector<std::string> names_where(const std::vector<ColmapImageRow>& rows, auto&& condition) {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    if (condition(row)) names.push_back(row.name);
  }
  return names;
}

/// Keypoints for the images that have none, into the database.
void extract(Session& session, const ColmapOptions& options, const ColmapImages& images) {
  std::vector<const ColmapImageRow*> without;
  for (const auto& row : images.rows) {
    if (row.keypoints <= 0) without.push_back(&row);
  }
  if (without.empty()) {
    session.info("--extract: every image has keypoints already");
    return;
  }
  ColmapWriter writer(options.database, options.write_options(session.control().stop));
  std::int64_t found = 0;
  session.control().begin("detect", std::ssize(without), "images");
  for (const ColmapImageRow* row : without) {
    session.control().check();
    const auto path = std::filesystem::path(options.images) / row->name;
    const GrayImage image = read_image(path);
    const ColmapCameraRow* camera = images.camera(*row);
    if (camera != nullptr && (camera->camera.width != image.width() || camera->camera.height != image.height())) {
      throw InvalidArgument(fmt::format("{} has {}x{} pixels, but its camera in the database {}x{}", path.string(),
                                        image.width(), image.height(), camera->camera.width, camera->camera.height));
    }
    const auto keypoints = detect_keypoints(image, {.max_keypoints = options.collection.photographs.max_keypoints});
    writer.add_keypoints(row->id, keypoints);
    found += std::ssize(keypoints);
    session.control().advance(1);
  }
  writer.flush();
  session.control().end();
  session.info("{} SIFT keypoints in {} images that had none", found, without.size());
}

void check_keypoints(Session& session, const ColmapOptions& options, const std::vector<ColmapImageRow>& rows) {
  const auto points =
      names_where(rows, [](const ColmapImageRow& row) { return row.keypoints > 0 && row.columns == 2; });
  if (!points.empty() && !options.patch_size) {
    throw InvalidArgument(
        fmt::format("{}: the keypoints of {} images have two columns, x and y (hloc writes such), and so no window to "
                    "cut: give its side in pixels as --patch-size, or extract keypoints with scale and angle ({})",
                    options.database, points.size(), quoted_names(points)));
  }
  const auto empty = names_where(rows, [](const ColmapImageRow& row) { return row.keypoints <= 0; });
  if (empty.empty()) return;
  const char* hint = options.extract ? "" : "; --extract detects some where none were looked for";
  if (empty.size() == rows.size()) {
    throw InvalidArgument(fmt::format("{}: no image has keypoints{}", options.database, hint));
  }
  session.warn("{} of {} images have no keypoints and will match nothing{}: {}", empty.size(), rows.size(), hint,
               quoted_names(empty));
}

}  // namespace

std::vector<std::string> ColmapImages::names() const {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}

const ColmapCameraRow* ColmapImages::camera(const ColmapImageRow& row) const {
  const auto found = cameras.find(row.camera);
  return found == cameras.end() ? nullptr : &found->second;
}

ColmapImages open_images(Session& session, const ColmapOptions& options) {
  ColmapDatabase database(options.database, session.control().stop);
  auto rows = database.images();
  auto cameras = database.cameras();
  ColmapImages images{.database = std::move(database), .rows = std::move(rows), .cameras = std::move(cameras)};
  session.detail("{}: tables of COLMAP {}, {} images", options.database, colmap_schema_name(images.database.schema()),
                 images.rows.size());
  if (images.rows.empty()) {
    throw InvalidArgument(
        fmt::format("{}: there are no images in this database; `colmap feature_extractor` puts them "
                    "there, or pycolmap's import_images",
                    options.database));
  }
  check_photographs(options.images, images.names());
  if (options.extract) {
    extract(session, options, images);
    images.rows = images.database.images();
  }
  check_keypoints(session, options, images.rows);
  return images;
}

std::optional<float> sigma_of_points(const ColmapOptions& options, const CutOptions& cut) {
  if (!options.patch_size) return std::nullopt;
  return *options.patch_size / cut.extent;
}

FeatureImageSource image_source(const ColmapImages& images, const ColmapOptions& options, const CutOptions& cut) {
  std::vector<FeatureImage> features;
  features.reserve(images.rows.size());
  for (const auto& row : images.rows) {
    FeatureImage feature{.name = row.name, .keypoints = std::max<std::int64_t>(row.keypoints, 0)};
    if (const ColmapCameraRow* camera = images.camera(row)) {
      feature.width = static_cast<int>(camera->camera.width);
      feature.height = static_cast<int>(camera->camera.height);
    }
    features.push_back(std::move(feature));
  }
  const auto load = [&images, sigma = sigma_of_points(options, cut)](std::int64_t image) {
    return images.database.keypoints(images.rows.at(static_cast<std::size_t>(image)).id, sigma);
  };
  return {options.images, std::move(features), load, cut, options.collection.engine.execution.threads};
}

}  // namespace twinpatch::app
