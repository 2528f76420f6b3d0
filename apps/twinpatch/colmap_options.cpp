// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/colmap_options.hpp"

#include <fmt/format.h>

#include "apps/frame/options.hpp"

#include "apps/frame/run_options.hpp"

namespace twinpatch::app {
namespace {

constexpr const char* kDatabaseGroup = "The database";

void check_positive(const char* option, double value) {
  if (!(value > 0)) throw UsageError(fmt::format("{} must be positive, found {}", option, value));
}

}  // namespace

std::filesystem::path ColmapOptions::pair_list_path() const {
  return pair_list.empty() ? places().folder / "pairs.txt" : std::filesystem::path(pair_list);
}

ColmapWriteOptions ColmapOptions::write_options(std::stop_token stop) const {
  return {.replace = replace,
          .patience = std::chrono::milliseconds(static_cast<std::int64_t>(lock_wait * 1000)),
          .stop = std::move(stop)};
}

void ColmapOptions::validate() const {
  collection.validate();
  if (patch_size) check_positive("--patch-size", *patch_size);
  check_positive("--max-error", verification.max_error);
  if (verification.min_inliers < 8) {
    throw UsageError(fmt::format("--min-inliers must be at least 8, found {}", verification.min_inliers));
  }
  if (!(lock_wait >= 0 && lock_wait <= 86'400)) {
    throw UsageError(fmt::format("--lock-wait must be 0 to 86400 seconds, found {}", lock_wait));
  }
  if (collection.pairs.has(PairRule::Kind::overlap) == poses.empty()) {
    throw UsageError("--pairs overlap:S and --poses DIR need each other");
  }
  if (collection.photographs.affine && patch_size) {
    throw UsageError("--affine takes the shapes of keypoints; --patch-size is for keypoints that have no size");
  }
  if (extract && collection.dry_run) throw UsageError("--extract writes keypoints, but a plan writes nothing");
  if (!std::filesystem::is_directory(images)) throw IoError(images, "no such folder (--images)");
}

void add_colmap_options(Options& app, ColmapOptions& options) {
  app.add_option("DATABASE", options.database, "COLMAP's database, with images and keypoints")
      ->required()
      ->group(kArgumentGroup);
  app.add_option("--images", options.images, "folder of the photographs, as COLMAP's --image_path")
      ->required()
      ->type_name("DIR")
      ->group(kMainGroup);
  app.add_flag("--replace", options.replace, "overwrite existing matches and geometries of the pairs")
      ->group(kMainGroup);
  app.add_flag("--skip-same-frame", options.skip_same_frame, "never match two images of one frame of a rig")
      ->group(kMainGroup);
  app.add_option("--skip-sensors", options.skip_sensors, "never match images of camera A with those of B, by ids")
      ->type_name("A:B")
      ->group(kMainGroup);
  app.add_option("--poses", options.poses, "reconstruction that knows the images' poses, for --pairs overlap:S")
      ->type_name("DIR")
      ->group(kDatabaseGroup);
  app.add_flag("--verify", options.verify, "verify geometrically, so that COLMAP need not")->group(kMainGroup);
  app.add_flag("--extract", options.extract, "detect SIFT keypoints in images that have none, and store them")
      ->group(kDatabaseGroup);
  app.add_option("--patch-size", options.patch_size,
                 "side of a patch's window in pixels, for keypoints without a scale")
      ->type_name("PIXELS")
      ->group(kDatabaseGroup);
  app.add_option("--pair-list", options.pair_list, "list of the pairs with matches to write [RUN/pairs.txt]")
      ->type_name("FILE")
      ->group(kDatabaseGroup);
  app.add_option("--lock-wait", options.lock_wait, "how long to wait for another program's lock")
      ->type_name("SECONDS")
      ->default_str("30")
      ->group(kDatabaseGroup);
  app.add_option("--max-error", options.verification.max_error, "of an inlier, with --verify")
      ->type_name("PIXELS")
      ->default_str("4")
      ->group(kDatabaseGroup);
  app.add_option("--min-inliers", options.verification.min_inliers, "of a verified pair, with --verify")
      ->type_name("N")
      ->default_str("15")
      ->group(kDatabaseGroup);
  add_collection_options(app, options.collection);
  add_affine_option(app, options.collection.photographs);
}

}  // namespace twinpatch::app
