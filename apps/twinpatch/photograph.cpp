// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/photograph.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include "apps/frame/options.hpp"

#include "apps/frame/command.hpp"
#include "twinpatch/net/patch_extent.hpp"
#include "twinpatch/vision/image.hpp"

namespace twinpatch::app {
namespace {

constexpr const char* kGroup = "Keypoints and patches";
constexpr int kSideForAnySize = 64;  // networks of any input size

int patch_side(const NetworkSpec& spec) {
  if (!spec.input) return kSideForAnySize;
  if (spec.input->height == spec.input->width) return spec.input->height;
  throw ShapeError(fmt::format("{} takes patches of {}x{}; keypoints of photographs give square patches", spec.name,
                               spec.input->height, spec.input->width));
}

float extent_of(const PhotographOptions& options, const Model& model) {
  const auto wanted = patch_extent(model);
  if (options.extent) return *options.extent;
  if (!options.extent_from.empty()) return patch_extent_preset(options.extent_from);
  return wanted.value_or(CutOptions().extent);
}

std::vector<Keypoint> find_keypoints(const GrayImage& image, const PhotographFiles& files,
                                     const PhotographOptions& options, Workers workers) {
  const std::filesystem::path& file = files.keypoints;
  if (file.empty()) {
    return detect_keypoints(
        image, {.max_keypoints = options.max_keypoints, .image = files.image.string(), .memory = workers.memory},
        workers.pool);
  }
  auto keypoints = read_keypoints(file);
  for (auto& keypoint : keypoints) {
    keypoint.x += 0.5F - options.pixel_origin;
    keypoint.y += 0.5F - options.pixel_origin;
    const bool inside = keypoint.x >= 0 && keypoint.y >= 0 && keypoint.x <= static_cast<float>(image.width()) &&
                        keypoint.y <= static_cast<float>(image.height());
    if (inside && options.affine) {
      const std::string fault = shape_fault(keypoint);
      if (fault.empty()) continue;
      throw InvalidArgument(fmt::format("{}: {}: --affine: a keypoint {}", file.string(),
                                        keypoint_place(file, &keypoint - keypoints.data()), fault));
    }
    if (inside) continue;
    throw InvalidArgument(fmt::format("{}: {}: a keypoint at ({}, {}) lies outside the {}x{} image", file.string(),
                                      keypoint_place(file, &keypoint - keypoints.data()),
                                      keypoint.x - 0.5F + options.pixel_origin,
                                      keypoint.y - 0.5F + options.pixel_origin, image.width(), image.height()));
  }
  return keypoints;
}

}  // namespace

const char* const kPixelConvention =
    "Coordinates are pixels of the stored image (an EXIF orientation is not applied), x to the right, y down, and the "
    "centre of the first pixel is (0, 0) as in OpenCV. With --pixel-origin 0.5 it is (0.5, 0.5), as in COLMAP. This "
    "applies to keypoint files and to the output.";

void PhotographOptions::validate() const {
  if (max_keypoints < 0) throw UsageError(fmt::format("--max-keypoints must not be negative, found {}", max_keypoints));
  if (extent && !extent_from.empty()) throw UsageError("use either --patch-extent or --patch-extent-from");
  if (extent && !(*extent > 0 && *extent <= 1000)) {
    throw UsageError(fmt::format("--patch-extent must be in (0, 1000], found {}", *extent));
  }
  if (pixel_origin != 0 && pixel_origin != 0.5F) {
    throw UsageError(fmt::format("--pixel-origin must be 0 or 0.5, found {}", pixel_origin));
  }
  if (!extent_from.empty()) (void)patch_extent_preset(extent_from);
}

CutOptions cut_options(const PhotographOptions& options, const Model& model) {
  return {.side = patch_side(model.spec),
          .extent = extent_of(options, model),
          .upright = options.upright,
          .affine = options.affine};
}

void add_patch_options(Options& app, PhotographOptions& options) {
  app.add_option("--max-keypoints", options.max_keypoints, "keep the strongest SIFT keypoints; 0: all")
      ->type_name("N")
      ->default_str(std::to_string(options.max_keypoints))
      ->group(kGroup);
  app.add_option("--patch-extent", options.extent,
                 "side of a patch's window in sigma of its keypoint [the model's, else 12]")
      ->type_name("F")
      ->group(kGroup);
  app.add_option("--patch-extent-from", options.extent_from,
                 fmt::format("the window other programs use: {}", fmt::join(patch_extent_presets(), ", ")))
      ->type_name("NAME")
      ->group(kGroup);
  app.add_flag("--upright", options.upright, "do not rotate patches to the keypoint's angle")->group(kGroup);
}

void add_affine_option(Options& app, PhotographOptions& options) {
  app.add_flag("--affine", options.affine, "cut windows of the keypoints' affine shapes (six numbers a keypoint)")
      ->group(kGroup);
}

void add_photograph_options(Options& app, PhotographOptions& options) {
  add_patch_options(app, options);
  app.add_flag("--stretch", options.stretch, "16-bit photographs: the largest value becomes white, not 65535")
      ->group(kGroup);
  app.add_option("--pixel-origin", options.pixel_origin, "coordinate of the first pixel's centre: 0 or 0.5")
      ->type_name("C")
      ->default_str("0")
      ->group(kGroup);
}

void explain_no_keypoints(Session& session, const std::filesystem::path& path, const GrayImage& image) {
  int brightest = 0;
  for (int y = 0; y < image.height(); ++y) {
    brightest = std::max<int>(brightest, *std::max_element(image.row(y), image.row(y) + image.width()));
  }
  constexpr int kDark = 64;  // 14 of 16 bits
  if (brightest == 0 || brightest >= kDark) return session.warn("{}: no keypoints found", path.string());
  session.warn(
      "{}: no keypoints found: its brightest pixel is {} of 255{}; --stretch makes the brightest of a 16-bit "
      "photograph "
      "white",
      path.string(), brightest, brightest <= 16 ? fmt::format(" (about {} of 65535)", brightest * 257) : "");
}

std::string quoted_names(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamed, names.size()); ++i) {
    text += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", names[i]);
  }
  if (names.size() > kNamed) text += fmt::format(" and {} more", names.size() - kNamed);
  return text;
}

void check_photographs(const std::filesystem::path& folder, const std::vector<std::string>& names,
                       const std::vector<std::string>& leave_out) {
  std::vector<std::string> missing;
  for (const auto& name : names) {
    std::error_code failed;
    if (std::ranges::find(leave_out, name) != leave_out.end()) continue;
    if (!std::filesystem::is_regular_file(folder / name, failed)) missing.push_back(name);
  }
  if (missing.empty()) return;
  throw IoError(folder.string(), fmt::format("{} of {} images are not in this folder: {}", missing.size(), names.size(),
                                             quoted_names(missing)));
}

Photograph read_photograph(Session& session, const PhotographFiles& files, const Model& model,
                           const PhotographOptions& options, Workers workers) {
  const CutOptions cut = cut_options(options, model);
  const std::string path = files.image.string();
  GrayImage image = read_image(files.image, options.stretch ? Levels::stretched : Levels::full);
  session.control().check();
  Photograph photograph{path, image.width(), image.height(), find_keypoints(image, files, options, workers), {}, {}, {},
                        0};
  if (photograph.keypoints.empty()) explain_no_keypoints(session, files.image, image);
  session.control().check();
  session.detail("{}: {}x{}, {} keypoints, patches {}x{} over {} sigma{}{}{}", path, image.width(), image.height(),
                 photograph.keypoints.size(), cut.side, cut.side, cut.extent, cut.upright ? ", upright" : "",
                 cut.affine ? ", affine" : "", workers.device_cuts ? ", cut on the device" : "");
  if (workers.device_cuts) {
    photograph.cuts = patch_windows(image, photograph.keypoints, cut);
    photograph.pixels = std::move(image);
    photograph.side = cut.side;
  } else {
    photograph.patches = cut_patches(image, photograph.keypoints, cut, workers.pool);
  }
  return photograph;
}

RowChunks rows_of(Engine& engine, const Photograph& photograph, Side which, const RunControl& control) {
  const auto& [windows, levels] = photograph.cuts;
  if (windows.empty()) return engine.rows(photograph.patches, which, control);
  const PhotographView view{photograph.pixels.row(0), photograph.width, photograph.height, windows, levels,
                            photograph.side};
  return engine.rows(view, which, control);
}

}  // namespace twinpatch::app
