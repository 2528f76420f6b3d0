// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/export_common.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>

#include "apps/frame/run_options.hpp"
#include "twinpatch/net/model.hpp"
#include "twinpatch/net/patch_extent.hpp"
#include "twinpatch/sfm/image_pair_list.hpp"

namespace twinpatch::app {
namespace {

constexpr std::string_view kSequential = "sequential:";
constexpr std::size_t kMostNamed = 20;  // missing images in a message

/// Every image with the `window` ones behind it.
std::vector<ImagePair> neighbours(std::int64_t images, std::int64_t window) {
  std::vector<ImagePair> pairs;
  for (std::int64_t i = 0; i < images; ++i) {
    for (std::int64_t j = i + 1; j <= std::min(images - 1, i + window); ++j) {
      pairs.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j)});
    }
  }
  return pairs;
}

std::int64_t window_of(const std::string& pairs) {
  const char* const begin = pairs.data() + kSequential.size();
  const char* const end = pairs.data() + pairs.size();
  std::int32_t window = 0;
  const auto [stop, status] = std::from_chars(begin, end, window);
  if (status == std::errc() && stop == end && window >= 1) return window;
  throw UsageError(fmt::format("--pairs {}: expected sequential:N with N of 1 or more", pairs));
}

/// Leaves out the images that no pair names, so that they need not be there.
ExportPairs compact(std::vector<ImagePair> pairs, const std::vector<std::string>& names) {
  std::vector<std::int32_t> place(names.size(), -1);
  for (const auto& pair : pairs) {
    place[static_cast<std::size_t>(pair.first)] = 0;
    place[static_cast<std::size_t>(pair.second)] = 0;
  }
  ExportPairs result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (place[i] < 0) continue;
    place[i] = static_cast<std::int32_t>(result.names.size());
    result.names.push_back(names[i]);
  }
  for (auto& pair : pairs) {
    pair = {place[static_cast<std::size_t>(pair.first)], place[static_cast<std::size_t>(pair.second)]};
  }
  result.pairs = std::move(pairs);
  return result;
}

}  // namespace

bool ExportOptions::has_list() const { return pairs != "exhaustive" && !pairs.starts_with(kSequential); }

void ExportOptions::validate() const {
  engine.execution.validate();
  collection.validate();
  photographs.validate();
  if (pairs.starts_with(kSequential)) (void)window_of(pairs);
}

void add_export_options(CLI::App& app, ExportOptions& options) {
  app.add_option("--pairs", options.pairs, "exhaustive, sequential:N, or a list of image pairs")
      ->type_name("WHICH|FILE")
      ->default_str(options.pairs)
      ->group(kMainGroup);
  add_collection_options(app, options.collection);
  add_engine_options(app, options.engine);
  add_patch_options(app, options.photographs);
}

PhotographOptions patch_options(const ExportOptions& options) {
  PhotographOptions photographs = options.photographs;
  photographs.model_extent = patch_extent(load_model(find_model(options.engine.model)));
  return photographs;
}

ExportPairs find_pairs(Session& session, const ExportOptions& options, const std::vector<std::string>& names) {
  const std::int64_t count = std::ssize(names);
  if (options.pairs == "exhaustive") return compact(neighbours(count, count), names);
  if (options.pairs.starts_with(kSequential)) return compact(neighbours(count, window_of(options.pairs)), names);
  const ImagePairList list = read_image_pairs(options.pairs, names);
  for (const auto& warning : list.warnings()) session.warn("{}", warning);
  if (list.repeated > 0) session.detail("{}: {} lines repeat a pair", options.pairs, list.repeated);
  ExportPairs result = compact(list.pairs, names);
  for (const auto& image : list.unknown) result.unknown.push_back(image.name);
  return result;
}

void check_images(const std::vector<std::string>& names, const std::filesystem::path& folder) {
  std::string missing;
  std::size_t count = 0;
  for (const auto& name : names) {
    std::error_code failed;
    if (std::filesystem::is_regular_file(folder / name, failed)) continue;
    if (++count <= kMostNamed) missing += fmt::format("{}\"{}\"", count == 1 ? "" : ", ", name);
  }
  if (count == 0) return;
  if (count > kMostNamed) missing += fmt::format(" and {} more", count - kMostNamed);
  throw IoError(folder.string(), fmt::format("{} of {} images are not there: {}", count, names.size(), missing));
}

CollectionMatches open_runs(const std::vector<std::string>& folders) {
  return CollectionMatches(std::vector<std::filesystem::path>(folders.begin(), folders.end()));
}

std::vector<std::string> names_of(const CollectionPlan& plan) {
  std::vector<std::string> names;
  names.reserve(plan.images.size());
  for (const auto& image : plan.images) names.push_back(image.name);
  return names;
}

std::vector<std::int64_t> keypoint_counts_of(const CollectionPlan& plan) {
  std::vector<std::int64_t> counts;
  counts.reserve(plan.images.size());
  for (const auto& image : plan.images) counts.push_back(image.keypoints);
  return counts;
}

void ExportSummary::add(std::span<const Match> some) {
  ++pairs;
  if (some.empty()) ++empty_pairs;
  matches += std::ssize(some);
}

ExitCode report_export(Session& session, const std::string& schema, const std::string& out,
                       const ExportSummary& summary, const std::vector<std::string>& unknown) {
  session.say("{}: {} matches of {} pairs of images, {} of them without a match", out, summary.matches, summary.pairs,
              summary.empty_pairs);
  if (session.options().json) {
    session.print_json(schema, {{"out", out},
                                {"pairs", summary.pairs},
                                {"empty_pairs", summary.empty_pairs},
                                {"matches", summary.matches},
                                {"unknown_images", unknown}});
  }
  return unknown.empty() ? ExitCode::done : ExitCode::partial;
}

}  // namespace twinpatch::app
