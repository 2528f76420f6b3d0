// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <optional>

#include "sequence.hpp"
#include "source_json.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/dataset/sources.hpp"

namespace twinpatch {

using dataset::Json;
using dataset::View;

namespace {

namespace fs = std::filesystem;

constexpr int kMaxViews = 1000;
constexpr std::array kExtensions{".pgm", ".ppm", ".png", ".jpg", ".jpeg"};

/// "img3.pgm" as in the Oxford sequences, or "3.ppm" as in those of HPatches.
std::optional<fs::path> find_image(const fs::path& folder, int number) {
  for (const char* stem : {"img", ""}) {
    for (const char* extension : kExtensions) {
      const fs::path path = folder / fmt::format("{}{}{}", stem, number, extension);
      if (fs::is_regular_file(path)) return path;
    }
  }
  return std::nullopt;
}

fs::path find_homography(const fs::path& folder, int number) {
  for (const auto& name : {fmt::format("H1to{}p", number), fmt::format("H_1_{}", number)}) {
    if (fs::is_regular_file(folder / name)) return folder / name;
    if (fs::is_regular_file(folder / (name + ".txt"))) return folder / (name + ".txt");
  }
  throw Error(fmt::format("{}: image {} has no homography: expected H1to{}p", folder.string(), number, number));
}

std::vector<View> read_sequence(const fs::path& folder, Json& inputs) {
  if (!fs::is_directory(folder)) throw IoError(folder.string(), "is not a folder");
  const std::string prefix = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  std::vector<View> views;
  Json names = Json::array();
  for (int number = 1; number <= kMaxViews; ++number) {
    const auto path = find_image(folder, number);
    if (!path && number == 1) {
      throw Error(fmt::format("{}: no images: expected img1.pgm (or .ppm, .png, .jpg) and so on", folder.string()));
    }
    if (!path) break;
    View view{read_image(*path), {1, 0, 0, 0, 1, 0, 0, 0, 1}, prefix + "/" + path->filename().string(), 0};
    if (number > 1) {
      const fs::path homography = find_homography(folder, number);
      view.from_first = read_homography(homography);
      try {
        dataset::check_homography(view.from_first);
      } catch (const InvalidArgument& error) {
        throw FormatError(homography.string(), -1, error.what());
      }
    }
    names.push_back({{"name", view.name}, {"width", view.image.width()}, {"height", view.image.height()}});
    views.push_back(std::move(view));
  }
  if (views.size() < 2) throw Error(fmt::format("{}: one image alone: nothing to pair it with", folder.string()));
  inputs.push_back({{"folder", prefix}, {"images", names}});
  return views;
}

}  // namespace

DatasetSummary dataset_from_homographies(const HomographyDatasetOptions& options, ThreadPool& pool,
                                         const RunControl& control) {
  if (options.folders.empty()) throw InvalidArgument("no folder with a sequence is named");
  DatasetWriter writer(options.dataset);
  Json inputs = Json::array();
  std::int64_t points = 0;
  control.begin("cut", static_cast<std::int64_t>(options.folders.size()), "sequences");
  for (const fs::path& folder : options.folders) {
    control.check();
    const std::vector<View> views = read_sequence(folder, inputs);
    auto random = dataset::Random::part(options.dataset.seed, views.front().name);
    points += dataset::add_sequence(views, options.sequence, options.dataset, points, random, writer, pool);
    control.advance(1);
  }
  control.end();
  const Json source{
      {"kind", "homographies"}, {"sequence_options", dataset::to_json(options.sequence)}, {"inputs", inputs}};
  return writer.finish(source.dump(-1, ' ', false, Json::error_handler_t::replace), pool, control);
}

}  // namespace twinpatch
