// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/colmap_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "apps/frame/command.hpp"
#include "twinpatch/core/file.hpp"
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

/// Photographs that cannot be read whole, and those of --leave-out: found before the first detection, whose work would
/// be lost with the first of them.
std::set<std::string> damaged_photographs(Session& session, const ColmapOptions& options,
                                          const std::vector<const ColmapImageRow*>& rows) {
  std::set<std::string> out(options.collection.leave_out.begin(), options.collection.leave_out.end());
  std::vector<DamagedImage> damaged;
  for (const ColmapImageRow* row : rows) {
    session.control().check();
    if (out.contains(row->name)) continue;
    const auto path = std::filesystem::path(options.images) / row->name;
    try {
      check_image_complete(read_file(path), path);
    } catch (const IoError& error) {
      damaged.push_back({0, row->name, error.what()});
    } catch (const FormatError& error) {
      damaged.push_back({0, row->name, error.what()});
    }
  }
  settle_damaged(session, damaged, std::ssize(rows), options.collection.leave_out_damaged);
  for (const auto& image : damaged) out.insert(image.name);
  return out;
}

/// That --affine has shapes to go by; says where they are all circles.
void check_shapes(Session& session, const ColmapOptions& options, const ColmapImages& images) {
  constexpr double kCircle = 1.01;
  std::vector<std::string> without;
  bool any = false;
  for (const ColmapImageRow& row : images.rows) {
    session.control().check();
    if (row.keypoints > 0 && row.columns != 6) without.push_back(row.name);
    if (row.columns != 6 || any) continue;
    any = std::ranges::any_of(images.database.keypoints(row.id), [](const Keypoint& keypoint) {
      const ShapeAxes axes = axes_of(keypoint.shape.value_or(AffineShape{}));
      return axes.longer > kCircle * axes.shorter;
    });
  }
  if (!without.empty()) {
    throw InvalidArgument(
        fmt::format("{}: --affine needs keypoints with six columns, those of {} images have fewer: {}",
                    options.database, without.size(), quoted_names(without)));
  }
  if (!any) {
    session.warn(
        "--affine: all shapes are circles, so that windows are what they are without it; COLMAP estimates shapes with "
        "--SiftExtraction.estimate_affine_shape 1");
  }
}

/// Keypoints for the images that have none, into the database.
void extract(Session& session, const ColmapOptions& options, const ColmapImages& images) {
  std::vector<const ColmapImageRow*> without;
  for (const auto& row : images.rows) {
    if (row.keypoints <= 0) without.push_back(&row);
  }
  if (without.empty()) {
    session.info("--extract: every image already has keypoints");
    return;
  }
  const std::set<std::string> damaged = damaged_photographs(session, options, without);
  ColmapWriter writer(options.database, options.write_options(session.control().stop));
  const ExecutionOptions& execution = options.collection.engine.execution;
  ThreadPool pool(execution.threads);
  std::int64_t found = 0;
  session.control().begin("detect", std::ssize(without), "images");
  for (const ColmapImageRow* row : without) {
    session.control().check();
    if (damaged.contains(row->name)) continue;
    const auto path = std::filesystem::path(options.images) / row->name;
    const GrayImage image = read_image(path);
    const ColmapCameraRow* camera = images.camera(*row);
    if (camera != nullptr && (camera->camera.width != image.width() || camera->camera.height != image.height())) {
      throw InvalidArgument(fmt::format("{} has {}x{} pixels, but its camera in the database {}x{}", path.string(),
                                        image.width(), image.height(), camera->camera.width, camera->camera.height));
    }
    const auto keypoints = detect_keypoints(image,
                                            {.max_keypoints = options.collection.photographs.max_keypoints,
                                             .image = path.string(),
                                             .memory = execution.memory},
                                            pool);
    writer.add_keypoints(row->id, keypoints);
    found += std::ssize(keypoints);
    session.control().advance(1);
  }
  writer.flush();
  session.control().end();
  session.info("{} SIFT keypoints in {} images that had none", found, without.size());
}

void check_keypoints(Session& session, const ColmapOptions& options, const ColmapImages& images) {
  const std::vector<ColmapImageRow>& rows = images.rows;
  const auto points = names_where(rows, [&](const ColmapImageRow& row) {
    session.control().check();
    return row.keypoints > 0 && (row.columns == 2 || !images.database.has_scales(row.id));
  });
  if (!points.empty() && !options.patch_size) {
    throw InvalidArgument(
        fmt::format("{}: the keypoints of {} images have no scale (two columns, or one value for all, as ALIKED's in "
                    "COLMAP 4): set the side of their patches in pixels with --patch-size, or extract keypoints with "
                    "scale and angle ({})",
                    options.database, points.size(), quoted_names(points)));
  }
  if (points.empty()) session.no_effect({"--patch-size"}, "all keypoints have a scale");
  if (!points.empty() &&
      std::ranges::count_if(rows, [](const auto& row) { return row.keypoints > 0; }) == std::ssize(points)) {
    session.no_effect({"--patch-extent", "--patch-extent-from"}, "--patch-size is the side of every patch");
  }
  const auto empty = names_where(rows, [](const ColmapImageRow& row) { return row.keypoints <= 0; });
  if (empty.empty()) return;
  const char* hint = options.extract ? "" : "; --extract detects them";
  if (empty.size() == rows.size()) {
    throw InvalidArgument(fmt::format("{}: no image has keypoints{}", options.database, hint));
  }
  session.warn("{} of {} images have no keypoints and get no matches{}: {}", empty.size(), rows.size(), hint,
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
        fmt::format("{}: this database has no images; add them with `colmap feature_extractor` "
                    "or pycolmap's import_images",
                    options.database));
  }
  if (!options.collection.leave_out_damaged) {
    check_photographs(options.images, images.names(), options.collection.leave_out);
  }
  if (!options.extract) session.no_effect({"--max-keypoints"}, "keypoints come from the database (--extract detects)");
  if (options.extract) {
    extract(session, options, images);
    images.rows = images.database.images();
  }
  check_keypoints(session, options, images);
  if (options.collection.photographs.affine) check_shapes(session, options, images);
  return images;
}

std::optional<float> sigma_of_points(const ColmapOptions& options, const CutOptions& cut) {
  if (!options.patch_size) return std::nullopt;
  return *options.patch_size / cut.extent;
}

ColmapSource image_source(Session& session, const ColmapImages& images, const ColmapOptions& options,
                          const CutOptions& cut) {
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
  auto masks = apply_masks(session, options.collection.masks, options.collection.leave_out, features, load);
  return {{options.images, std::move(features), load, cut, options.collection.engine.execution.threads},
          std::move(masks)};
}

GuideSource guide_source(const ColmapImages& images, std::optional<float> sigma) {
  auto rows = std::make_shared<std::map<std::string, const ColmapImageRow*>>();
  for (const ColmapImageRow& row : images.rows) rows->emplace(row.name, &row);
  return {
      [&images, rows, sigma](const std::string& name) { return images.database.keypoints(rows->at(name)->id, sigma); },
      [&images, rows](const std::string& name) { return images.camera(*rows->at(name)); }};
}

}  // namespace twinpatch::app
