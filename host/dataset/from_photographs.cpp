// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <opencv2/imgproc.hpp>

#include "photo_effects.hpp"
#include "sequence.hpp"
#include "source_json.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/dataset/sources.hpp"

namespace twinpatch {

using dataset::Json;
using dataset::Random;
using dataset::View;

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 11> kExtensions{".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff",
                                                       ".bmp", ".pgm",  ".ppm", ".pnm",  ".jp2"};
constexpr int kLeastSide = 96;  // pixels; smaller pictures have no room for a window

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

struct Photograph {
  fs::path path;
  std::string name;  ///< relative to the folder that was named, for messages and seeds: not where it lies on this disk
};

std::vector<Photograph> find_photographs(const std::vector<fs::path>& paths) {
  std::vector<Photograph> found;
  for (const fs::path& given : paths) {
    if (fs::is_directory(given)) {
      const fs::path base = given.has_filename() ? given.parent_path() : given.parent_path().parent_path();
      for (const auto& entry : fs::recursive_directory_iterator(given)) {
        if (entry.is_regular_file() && is_picture(entry.path())) {
          found.push_back({entry.path(), entry.path().lexically_relative(base.empty() ? "." : base).generic_string()});
        }
      }
    } else if (fs::exists(given)) {
      found.push_back({given, given.filename().string()});
    } else {
      throw IoError(given.string(), "no such file or folder");
    }
  }
  // The order in which a file system lists a folder means nothing.
  std::sort(found.begin(), found.end(),
            [](auto& a, auto& b) { return std::pair(a.name, a.path) < std::pair(b.name, b.path); });
  return found;
}

/// Reduced so that the longer side is at most `max_side`.
GrayImage reduced(GrayImage image, int max_side) {
  const int longer = std::max(image.width(), image.height());
  if (max_side <= 0 || longer <= max_side) return image;
  const double factor = static_cast<double>(max_side) / longer;
  GrayImage small(std::max(1, static_cast<int>(std::lround(image.width() * factor))),
                  std::max(1, static_cast<int>(std::lround(image.height() * factor))));
  const cv::Mat source(image.height(), image.width(), CV_8UC1, image.row(0));
  cv::Mat target(small.height(), small.width(), CV_8UC1, small.row(0));
  cv::resize(source, target, target.size(), 0, 0, cv::INTER_AREA);
  return small;
}

std::vector<View> make_views(const std::string& name, GrayImage photograph, const WarpOptions& options,
                             Random& random) {
  std::vector<View> views;
  for (int v = 1; v <= options.views; ++v) {
    View view;
    view.from_first = dataset::random_homography(photograph.width(), photograph.height(), options, random);
    dataset::Degraded degraded = dataset::degrade(dataset::warp(photograph, view.from_first), options, random);
    view.image = std::move(degraded.image);
    view.blur = degraded.blur;
    view.name = fmt::format("{}#{}", name, v);
    views.push_back(std::move(view));
  }
  views.insert(views.begin(), View{std::move(photograph), {1, 0, 0, 0, 1, 0, 0, 0, 1}, name, 0});
  return views;
}

void check(const PhotographDatasetOptions& options) {
  const auto demand = [](bool good, const char* what) {
    if (!good) throw InvalidArgument(what);
  };
  const WarpOptions& w = options.warp;
  demand(!options.paths.empty(), "expected photographs or folders of photographs, found none");
  demand(w.views >= 1, "--views: must be at least 1");
  demand(w.scale >= 1, "--scale: must be at least 1");
  demand(w.tilt >= 1, "--tilt: must be at least 1");
  demand(w.perspective >= 0 && w.perspective < 0.9, "--perspective: must be in [0, 0.9)");
  demand(w.rotation >= 0 && w.light >= 0 && w.blur >= 0 && w.noise >= 0, "changes must not be negative");
  demand(w.jpeg_quality >= 1 && w.jpeg_quality <= 100, "--jpeg-quality: must be in 1 … 100");
}

}  // namespace

DatasetSummary dataset_from_photographs(const PhotographDatasetOptions& options, ThreadPool& pool,
                                        const RunControl& control) {
  check(options);
  const std::vector<Photograph> photographs = find_photographs(options.paths);
  DatasetWriter writer(options.dataset);
  const dataset::SequenceTarget target{options.sequence, options.dataset, writer, pool};
  Json inputs = Json::array();
  Json left_out = Json::array();
  std::int64_t points = 0;
  control.begin("cut", static_cast<std::int64_t>(photographs.size()), "photographs");
  for (const Photograph& photograph : photographs) {
    control.check();
    control.advance(1);
    GrayImage image;
    try {
      image = reduced(read_image(photograph.path), options.max_side);
    } catch (const Error& error) {
      left_out.push_back({{"name", photograph.name}, {"reason", "not a readable image"}});
      continue;
    }
    if (std::min(image.width(), image.height()) < kLeastSide) {
      left_out.push_back({{"name", photograph.name}, {"reason", "too small"}});
      continue;
    }
    Json entry{{"name", photograph.name}, {"width", image.width()}, {"height", image.height()}};
    Random random = Random::part(options.dataset.seed, photograph.name);
    const auto views = make_views(photograph.name, std::move(image), options.warp, random);
    const auto found = dataset::add_sequence(target, views, points, random);
    points += found;
    entry["points"] = found;
    inputs.push_back(std::move(entry));
  }
  control.end();
  if (inputs.empty()) {
    throw Error(
        fmt::format("{}: no readable photograph among {} files", options.paths.front().string(), photographs.size()));
  }
  const WarpOptions& w = options.warp;
  const Json source{{"kind", "photographs"},
                    {"sequence_options", dataset::to_json(options.sequence)},
                    {"warp_options",
                     {{"views", w.views},
                      {"scale", w.scale},
                      {"rotation_degrees", w.rotation},
                      {"tilt", w.tilt},
                      {"perspective", w.perspective},
                      {"light", w.light},
                      {"blur", w.blur},
                      {"noise", w.noise},
                      {"jpeg_quality", w.jpeg_quality},
                      {"max_side", options.max_side}}},
                    {"inputs", inputs},
                    {"left_out", left_out}};
  return writer.finish(source.dump(-1, ' ', false, Json::error_handler_t::replace), pool, control);
}

}  // namespace twinpatch
