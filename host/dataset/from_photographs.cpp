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

/// The pictures below a folder, links to folders not followed; what cannot be listed goes to `left_out`.
void search(const fs::path& folder, const fs::path& base, std::vector<Photograph>& found,
            std::vector<LeftOutInput>& left_out) {
  const auto name_of = [&](const fs::path& path) { return path.lexically_relative(base).generic_string(); };
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::error_code unknown;
    if (entry->symlink_status(unknown).type() == fs::file_type::directory) {
      search(entry->path(), base, found, left_out);
    } else if (entry->is_regular_file(unknown) && is_picture(entry->path())) {
      found.push_back({entry->path(), name_of(entry->path())});
    }
  }
  if (failed) left_out.push_back({name_of(folder), "the folder cannot be listed: " + failed.message(), true});
}

std::vector<Photograph> find_photographs(const std::vector<fs::path>& paths, std::vector<LeftOutInput>& left_out) {
  std::vector<Photograph> found;
  for (const fs::path& given : paths) {
    std::error_code failed;
    const fs::file_status status = fs::status(given, failed);
    if (!fs::exists(status)) throw IoError(given.string(), "no such file or folder");
    if (!fs::is_directory(status)) {
      found.push_back({given, given.filename().string()});
      continue;
    }
    (void)fs::directory_iterator(given, failed);
    if (failed) throw IoError(given.string(), "cannot list the folder", failed.value());
    const fs::path base = given.has_filename() ? given.parent_path() : given.parent_path().parent_path();
    search(given, base.empty() ? "." : base, found, left_out);
  }
  // The order in which a file system lists a folder means nothing.
  std::sort(found.begin(), found.end(),
            [](auto& a, auto& b) { return std::pair(a.name, a.path) < std::pair(b.name, b.path); });
  std::ranges::sort(left_out, {}, &LeftOutInput::name);
  return found;
}

/// What is wrong with a photograph, without the place on this disk that messages begin with.
std::string reason_of(const Error& error, const fs::path& path) {
  std::string reason = error.what();
  const std::string place = path.string() + ": ";
  if (reason.starts_with(place)) reason.erase(0, place.size());
  return reason;
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
  std::vector<LeftOutInput> left_out;
  const std::vector<Photograph> photographs = find_photographs(options.paths, left_out);
  DatasetWriter writer(options.dataset);
  const dataset::SequenceTarget target{options.sequence, options.dataset, writer, pool};
  Json inputs = Json::array();
  std::int64_t points = 0;
  control.begin("cut", static_cast<std::int64_t>(photographs.size()), "photographs");
  for (const Photograph& photograph : photographs) {
    control.check();
    control.advance(1);
    GrayImage image;
    try {
      image = reduced(read_image(photograph.path), options.max_side);
    } catch (const OutOfMemory&) {
      throw;  // nothing is wrong with the photograph
    } catch (const Error& error) {
      left_out.push_back({photograph.name, reason_of(error, photograph.path), true});
      continue;
    }
    if (std::min(image.width(), image.height()) < kLeastSide) {
      left_out.push_back({photograph.name, fmt::format("{}x{} pixels: too small", image.width(), image.height())});
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
    throw Error(fmt::format("{}: no readable photograph among {} files{}{}", options.paths.front().string(),
                            photographs.size(), left_out.empty() ? "" : "; the first: ",
                            left_out.empty() ? "" : left_out.front().name + ": " + left_out.front().reason));
  }
  Json out = Json::array();
  for (const auto& input : left_out) out.push_back({{"name", input.name}, {"reason", input.reason}});
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
                    {"left_out", out}};
  DatasetSummary summary = writer.finish(source.dump(-1, ' ', false, Json::error_handler_t::replace), pool, control);
  summary.left_out = std::move(left_out);
  return summary;
}

}  // namespace twinpatch
