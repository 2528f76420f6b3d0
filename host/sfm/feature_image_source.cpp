// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/feature_image_source.hpp"

#include <fmt/format.h>

#include <set>

#include "twinpatch/core/file.hpp"

namespace twinpatch {

FeatureImageSource::FeatureImageSource(std::filesystem::path folder, std::vector<FeatureImage> images,
                                       LoadKeypoints load, const CutOptions& cut, int threads)
    : folder_(std::move(folder)),
      images_(std::move(images)),
      load_(std::move(load)),
      cut_(cut),
      pool_(std::make_unique<ThreadPool>(threads)) {
  std::set<std::string_view> names;
  for (const FeatureImage& image : images_) {
    if (!names.insert(image.name).second) throw InvalidArgument(fmt::format("duplicate image name {}", image.name));
  }
}

std::vector<Keypoint> FeatureImageSource::keypoints(std::int64_t image) const {
  const FeatureImage& expected = at(image);
  auto keypoints = load_(image);
  if (std::ssize(keypoints) != expected.keypoints) {
    throw FormatError(
        expected.name, -1,
        fmt::format("has {} keypoints now, but had {} when the run began", keypoints.size(), expected.keypoints));
  }
  return keypoints;
}

std::string FeatureImageSource::content_key(std::int64_t image) const {
  const auto found = keypoints(image);
  // Without the detector's strength, which no patch depends on.
  std::vector<float> values;
  values.reserve(found.size() * 4);
  for (const Keypoint& keypoint : found) {
    values.insert(values.end(), {keypoint.x, keypoint.y, keypoint.sigma, keypoint.angle});
    if (!cut_.affine) continue;
    if (const std::string fault = shape_fault(keypoint); !fault.empty()) {
      throw InvalidArgument(fmt::format("{}: keypoint {} {}", at(image).name, &keypoint - found.data(), fault));
    }
    const AffineShape& shape = *keypoint.shape;
    values.insert(values.end(), {shape.a11, shape.a12, shape.a21, shape.a22});
  }
  const auto path = folder_ / at(image).name;
  const auto bytes = read_file(path);
  check_image_complete(bytes, path);
  return content_hash(bytes) + "-" + content_hash(std::as_bytes(std::span(values)));
}

std::string FeatureImageSource::patch_settings() const {
  return fmt::format("side {}, extent {}{}{}", cut_.side, cut_.extent, cut_.upright ? ", upright" : "",
                     cut_.affine ? ", affine" : "");
}

GrayImage FeatureImageSource::read_pixels(std::int64_t image) const {
  const FeatureImage& expected = at(image);
  const auto path = folder_ / expected.name;
  GrayImage pixels = read_image(path);
  const bool known = expected.width > 0 && expected.height > 0;
  if (known && (pixels.width() != expected.width || pixels.height() != expected.height)) {
    const bool turned = pixels.width() == expected.height && pixels.height() == expected.width;
    throw InvalidArgument(fmt::format(
        "{} has {}x{} pixels, but its keypoints were found in {}x{}: {}", path.string(), pixels.width(),
        pixels.height(), expected.width, expected.height,
        turned ? "it was turned by its EXIF orientation when they were found; here, as in COLMAP, pixels are taken as "
                 "stored: find them again in the stored pixels, or store the photograph turned"
               : "this is not the folder they were found in, or the photographs were resized later"));
  }
  return pixels;
}

PatchSet FeatureImageSource::patches(std::int64_t image) const {
  const GrayImage pixels = read_pixels(image);
  const auto found = keypoints(image);
  try {
    return cut_patches(pixels, found, cut_, *pool_);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("{}: {}", (folder_ / at(image).name).string(), error.what()));
  }
}

std::optional<Photograph> FeatureImageSource::photograph(std::int64_t image) const {
  struct Kept {
    GrayImage pixels;
    PatchWindows cuts;
  };
  const auto kept = std::make_shared<Kept>();
  kept->pixels = read_pixels(image);
  const auto found = keypoints(image);
  try {
    kept->cuts = patch_windows(kept->pixels, found, cut_);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("{}: {}", (folder_ / at(image).name).string(), error.what()));
  }
  return Photograph{{.pixels = kept->pixels.row(0),
                     .width = kept->pixels.width(),
                     .height = kept->pixels.height(),
                     .windows = kept->cuts.windows,
                     .levels = kept->cuts.levels,
                     .side = cut_.side},
                    kept};
}

}  // namespace twinpatch
