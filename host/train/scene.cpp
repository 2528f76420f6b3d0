// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <sstream>
#include <unordered_map>

#include "patch_cache.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"
#include "twinpatch/train/training_set.hpp"
#include "twinpatch/vision/patch_collections.hpp"

namespace twinpatch {
namespace {

constexpr double kMostExtent = 1e6;  // σ of a keypoint; more is no patch of any photograph
constexpr double kOverlap = 0.4;     // of the patch's half-side: nearer centres show the same place

PatchSet open_patches(const std::filesystem::path& folder, std::int64_t points, const std::filesystem::path& cache) {
  auto array = read_patch_array(folder, points);
  return array ? std::move(*array) : train::open_sheets(folder, points, cache);
}

}  // namespace

Scene::Scene(const std::filesystem::path& folder, const std::filesystem::path& cache) : folder_(folder) {
  const auto clean = folder.lexically_normal();
  name_ = (clean.has_filename() ? clean : clean.parent_path()).filename().string();
  if (!std::filesystem::is_directory(folder)) throw IoError(folder.string(), "is not a folder of patches");
  if (is_hpatches(folder)) {
    train::StripPatches strips = train::open_strips(folder, cache);
    patches_ = std::move(strips.patches);
    points_ = std::move(strips.points);
    make_groups();
    list_sightings(strips.images);
    return;
  }
  points_ = read_photo_tour_info(folder / "info.txt");
  if (points_.empty()) throw InvalidArgument(fmt::format("{}: info.txt lists no patch", folder.string()));
  make_groups();
  if (groups() == 0)
    throw InvalidArgument(
        fmt::format("{}: no positives: each of its {} points has only one patch", folder.string(), single_points_));
  patches_ = open_patches(folder, static_cast<std::int64_t>(points_.size()), cache);
  read_interest();
  read_manifest();
}

void Scene::read_manifest() {
  const auto path = folder_ / "manifest.json";
  if (!std::filesystem::exists(path)) return;
  const JsonValue json = parse_json(read_text_file(path), path.string());
  const JsonValue& extent = json.at("options").at("patch_extent");
  if (!(extent.number() > 0 && extent.number() <= kMostExtent)) {
    extent.fail(fmt::format("expected a patch_extent above 0, found {}", extent.shown()));
  }
  patch_extent_ = static_cast<float>(extent.number());
}

void Scene::make_groups() {
  std::vector<std::int32_t> order(points_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [this](std::int32_t a, std::int32_t b) {
    return points_[static_cast<std::size_t>(a)] < points_[static_cast<std::size_t>(b)];
  });
  group_begin_ = {0};
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    const auto point = points_[static_cast<std::size_t>(order[begin])];
    while (end < order.size() && points_[static_cast<std::size_t>(order[end])] == point) ++end;
    if (end - begin >= 2) {
      group_patches_.insert(group_patches_.end(), order.begin() + static_cast<std::ptrdiff_t>(begin),
                            order.begin() + static_cast<std::ptrdiff_t>(end));
      group_begin_.push_back(static_cast<std::int64_t>(group_patches_.size()));
    } else {
      ++single_points_;
    }
    begin = end;
  }
}

void Scene::read_interest() {
  // One line a patch: "image x y orientation scale". Files of another layout (the originals' vary) are left alone.
  const auto path = folder_ / "interest.txt";
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(read_text_file(path));
  std::string line;
  std::vector<Place> places;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    Place place;
    double orientation = 0;
    if (!(fields >> place.image >> place.x >> place.y >> orientation >> place.scale)) return;
    places.push_back(place);
  }
  if (places.size() != points_.size()) return;
  places_ = std::move(places);
  std::vector<std::int64_t> images;
  images.reserve(places_.size());
  for (const Place& place : places_) images.push_back(place.image);
  list_sightings(images);
}

void Scene::list_sightings(std::span<const std::int64_t> images) {
  std::map<std::int64_t, std::int32_t> numbers;
  for (const std::int64_t image : images) {
    const auto [entry, is_new] = numbers.emplace(image, static_cast<std::int32_t>(numbers.size()));
    image_.push_back(entry->second);
  }
  sightings_.resize(numbers.size());
  for (std::int64_t i = 0; i < groups(); ++i)
    for (const std::int32_t patch : group(i))
      sightings_[static_cast<std::size_t>(image_of(patch))].push_back({static_cast<std::int32_t>(i), patch});
}

bool Scene::overlapping(std::int32_t a, std::int32_t b) const {
  if (places_.empty()) return false;
  const Place& p = places_[static_cast<std::size_t>(a)];
  const Place& q = places_[static_cast<std::size_t>(b)];
  if (p.image != q.image || p.image < 0) return false;
  // A patch's half-side is 6 to 12 times the keypoint's scale (docs: sfm formats); 6 errs on the side of keeping pairs.
  const float radius = static_cast<float>(kOverlap) * 6 * std::max(p.scale, q.scale);
  const float ratio = p.scale > q.scale ? p.scale / std::max(q.scale, 1e-6F) : q.scale / std::max(p.scale, 1e-6F);
  return ratio < 1.6F && std::hypot(p.x - q.x, p.y - q.y) < radius;
}

PairList read_scene_pairs(const Scene& scene) {
  PairList list = read_pair_list(default_pair_list(scene.folder()));
  check_pairs(list.pairs, scene.patches().count, scene.patches().count, list.path);
  const auto points = scene.points();
  std::int64_t matches = 0;
  std::unordered_map<std::int64_t, std::uint8_t> seen;
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    const auto [left, right] = list.pairs[i];
    const bool match = list.matches[i] != 0;
    const auto fail = [&](std::string_view why) {
      throw InvalidArgument(fmt::format("{}: line {}: labels contradict: patches {} and {} are listed as {}, but {}",
                                        list.path, i + 1, list.pairs[i].left, list.pairs[i].right,
                                        match ? "a match" : "no match", why));
    };
    const bool same_point = points[static_cast<std::size_t>(left)] == points[static_cast<std::size_t>(right)];
    if (match != same_point)
      fail(fmt::format("info.txt has points {} and {}", points[static_cast<std::size_t>(left)],
                       points[static_cast<std::size_t>(right)]));
    const auto key = (std::int64_t{std::min(left, right)} << 32) | std::max(left, right);
    const auto [entry, inserted] = seen.emplace(key, list.matches[i]);
    if (!inserted && entry->second != list.matches[i]) fail("another line contradicts it");
    matches += match ? 1 : 0;
  }
  const auto others = static_cast<std::int64_t>(list.pairs.size()) - matches;
  if (matches == 0 || others == 0)
    throw InvalidArgument(fmt::format("{}: no {}: the list has {} matches and {} non-matches, both are needed",
                                      list.path, matches == 0 ? "positives" : "negatives", matches, others));
  return list;
}

std::filesystem::path default_cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return std::filesystem::path(cache) / "twinpatch";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::filesystem::path(home) / ".cache" / "twinpatch";
  return std::filesystem::temp_directory_path() / "twinpatch-cache";
}

}  // namespace twinpatch
