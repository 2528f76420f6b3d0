// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "photograph_views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "photo_effects.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::dataset {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 11> kExtensions{".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff",
                                                       ".bmp", ".pgm",  ".ppm", ".pnm",  ".jp2"};
constexpr int kLeastSide = 96;  // pixels; smaller pictures have no room for a window

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

/// The pictures below a folder, links to folders not followed; what cannot be listed goes to `left_out`.
void search(const fs::path& folder, const fs::path& base, std::vector<PhotographFile>& found,
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

}  // namespace

std::vector<PhotographFile> find_photographs(const std::vector<fs::path>& paths, std::vector<LeftOutInput>& left_out) {
  std::vector<PhotographFile> found;
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

std::optional<GrayImage> read_photograph(const PhotographFile& photograph, int max_side,
                                         std::vector<LeftOutInput>& left_out) {
  GrayImage image;
  try {
    image = reduced(read_image(photograph.path), max_side);
  } catch (const OutOfMemory&) {
    throw;  // nothing is wrong with the photograph
  } catch (const Error& error) {
    left_out.push_back({photograph.name, reason_of(error, photograph.path), true});
    return std::nullopt;
  }
  if (std::min(image.width(), image.height()) >= kLeastSide) return image;
  left_out.push_back({photograph.name, fmt::format("{}x{} pixels: too small", image.width(), image.height())});
  return std::nullopt;
}

std::vector<View> make_views(const std::string& name, GrayImage photograph, const WarpOptions& options,
                             Random& random) {
  std::vector<View> views;
  for (int v = 1; v <= options.views; ++v) {
    View view;
    view.from_first = random_homography(photograph.width(), photograph.height(), options, random);
    Degraded degraded = degrade(warp(photograph, view.from_first), options, random);
    view.image = std::move(degraded.image);
    view.blur = degraded.blur;
    view.name = fmt::format("{}#{}", name, v);
    views.push_back(std::move(view));
  }
  views.insert(views.begin(), View{std::move(photograph), {1, 0, 0, 0, 1, 0, 0, 0, 1}, name, 0});
  return views;
}

void check_views(const std::vector<fs::path>& paths, const WarpOptions& w) {
  const auto demand = [](bool good, const char* what) {
    if (!good) throw InvalidArgument(what);
  };
  demand(!paths.empty(), "expected photographs or folders of photographs, found none");
  demand(w.views >= 1, "--views: must be at least 1");
  demand(w.scale >= 1, "--scale: must be at least 1");
  demand(w.tilt >= 1, "--tilt: must be at least 1");
  demand(w.perspective >= 0 && w.perspective < 0.9, "--perspective: must be in [0, 0.9)");
  demand(w.rotation >= 0 && w.light >= 0 && w.blur >= 0 && w.noise >= 0, "changes must not be negative");
  demand(w.jpeg_quality >= 1 && w.jpeg_quality <= 100, "--jpeg-quality: must be in 1 … 100");
}

void throw_without_photographs(const std::vector<fs::path>& paths, std::size_t found,
                               const std::vector<LeftOutInput>& left_out) {
  throw Error(fmt::format("{}: no readable photograph among {} files{}{}", paths.front().string(), found,
                          left_out.empty() ? "" : "; the first: ",
                          left_out.empty() ? "" : left_out.front().name + ": " + left_out.front().reason));
}

Json to_json(const WarpOptions& w, int max_side) {
  return {{"views", w.views},
          {"scale", w.scale},
          {"rotation_degrees", w.rotation},
          {"tilt", w.tilt},
          {"perspective", w.perspective},
          {"light", w.light},
          {"blur", w.blur},
          {"noise", w.noise},
          {"jpeg_quality", w.jpeg_quality},
          {"max_side", max_side}};
}

Json to_json(const std::vector<LeftOutInput>& left_out) {
  Json out = Json::array();
  for (const auto& input : left_out) out.push_back({{"name", input.name}, {"reason", input.reason}});
  return out;
}

}  // namespace twinpatch::dataset
