// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/patches/candidate_lists.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "twinpatch/core/error.hpp"
#include "twinpatch/formats/json.hpp"

namespace twinpatch {
namespace {

constexpr double kMostExtent = 1e6;  // σ of a keypoint; more is no patch of any photograph
constexpr int kMostNearest = 10'000;
constexpr float kLargestAngle = std::numbers::pi_v<float> * (1 + 1e-6F);
constexpr const char* kFamily = "twinpatch.candidates/";

/// An array [N, columns], or [N] where `columns` is 0.
template <class T>
NpyArray read_rows(const std::filesystem::path& path, std::int64_t columns) {
  NpyArray array = read_npy(path);
  const auto& shape = array.shape();
  const bool fits = columns == 0 ? shape.size() == 1 : shape.size() == 2 && shape[1] == columns;
  if (!fits)
    throw FormatError(array.path(), -1,
                      fmt::format("expected an array of shape [N{}], found [{}]",
                                  columns == 0 ? "" : fmt::format(", {}", columns), fmt::join(shape, ", ")));
  (void)array.values<T>();
  return array;
}

[[noreturn]] void fail(const NpyArray& array, std::int64_t row, const std::string& what) {
  throw FormatError(array.path(), -1, fmt::format("row {}: {}", row, what));
}

}  // namespace

CandidateLists::CandidateLists(const std::filesystem::path& folder) : folder_(folder) {
  const auto clean = folder.lexically_normal();
  name_ = (clean.has_filename() ? clean : clean.parent_path()).filename().string();
  if (!std::filesystem::is_directory(folder)) throw IoError(folder.string(), "is not a folder of candidate lists");
  read_manifest();
  patches_ = read_npy_patches(folder / "patches.npy", false);
  read_images();
  check_keypoints();
  read_lists();
}

bool CandidateLists::is_at(const std::filesystem::path& folder) {
  const auto path = folder / "manifest.json";
  if (!std::filesystem::is_regular_file(path)) return false;
  try {
    const JsonValue json = parse_json(read_text_file(path), path.string());
    const JsonValue* const schema = json.is_object() ? json.find("schema") : nullptr;
    return schema != nullptr && schema->is_text() && schema->text().starts_with(kFamily);
  } catch (const FormatError&) {
    return false;  // whoever reads the folder says what is wrong with it
  }
}

void CandidateLists::read_manifest() {
  const auto path = folder_ / "manifest.json";
  const JsonValue json = parse_json(read_text_file(path), path.string());
  const JsonValue& schema = json.at("schema");
  if (schema.text() != kSchema) schema.fail(fmt::format("expected the schema {}, found {}", kSchema, schema.shown()));
  const JsonValue& options = json.at("options");
  first_ = options.at("first").text();
  nearest_ = static_cast<int>(options.at("candidates").integer(1, kMostNearest));
  const JsonValue& extent = options.at("patch_extent");
  if (!(extent.number() > 0 && extent.number() <= kMostExtent))
    extent.fail(fmt::format("expected a patch_extent above 0, found {}", extent.shown()));
  patch_extent_ = static_cast<float>(extent.number());
}

void CandidateLists::read_images() {
  const NpyArray images = read_rows<std::int32_t>(folder_ / "images.npy", 0);
  image_begins_ = {0};
  for (const std::int32_t count : images.values<std::int32_t>()) {
    if (count < 0) fail(images, std::ssize(image_begins_) - 1, fmt::format("expected a count, found {}", count));
    image_begins_.push_back(image_begins_.back() + count);
  }
  if (image_begins_.back() != patches_.size())
    throw FormatError(images.path(), -1,
                      fmt::format("{} keypoints in {} images, but patches.npy has {} patches", image_begins_.back(),
                                  std::ssize(image_begins_) - 1, patches_.size()));
}

void CandidateLists::check_keypoints() const {
  const NpyArray keypoints = read_rows<float>(folder_ / "keypoints.npy", 4);
  if (keypoints.shape()[0] != patches_.size())
    throw FormatError(
        keypoints.path(), -1,
        fmt::format("{} keypoints, but patches.npy has {} patches", keypoints.shape()[0], patches_.size()));
  const auto values = keypoints.values<float>();
  for (std::size_t i = 0; i < values.size(); i += 4) {
    const bool finite = std::all_of(&values[i], &values[i] + 4, [](float value) { return std::isfinite(value); });
    if (!finite || !(values[i + 2] > 0))
      fail(keypoints, static_cast<std::int64_t>(i / 4),
           fmt::format("expected a finite x, y, sigma above 0 and angle, found {}, {}, {}, {}", values[i],
                       values[i + 1], values[i + 2], values[i + 3]));
  }
}

void CandidateLists::read_lists() {
  lists_ = read_rows<std::int32_t>(folder_ / "lists.npy", 2);
  candidates_ = read_rows<std::int32_t>(folder_ / "candidates.npy", 2);
  measures_ = read_rows<float>(folder_ / "measures.npy", 4);
  if (measures_.shape()[0] != candidates_.shape()[0])
    throw FormatError(measures_.path(), -1,
                      fmt::format("measures of {} candidates, but candidates.npy has {}", measures_.shape()[0],
                                  candidates_.shape()[0]));
  const auto rows = lists_.values<std::int32_t>();
  begins_ = {0};
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    const auto [keypoint, count] = std::pair(rows[i], rows[i + 1]);
    const auto row = static_cast<std::int64_t>(i / 2);
    if (keypoint < 0 || keypoint >= patches_.size())
      fail(lists_, row, fmt::format("keypoint {} of {}", keypoint, patches_.size()));
    if (count < 1) fail(lists_, row, fmt::format("expected one candidate or more, found {}", count));
    begins_.push_back(begins_.back() + count);
    if (begins_.back() > candidates_.shape()[0])
      fail(lists_, row, fmt::format("candidates up to {} of {}", begins_.back(), candidates_.shape()[0]));
  }
  if (begins_.back() != candidates_.shape()[0])
    throw FormatError(
        lists_.path(), -1,
        fmt::format("lists of {} candidates, but candidates.npy has {}", begins_.back(), candidates_.shape()[0]));
  if (size() == 0) throw FormatError(lists_.path(), -1, "no list");
  std::vector<std::int32_t> seen;
  for (std::int64_t i = 0; i < size(); ++i) check_list(i, seen);
}

void CandidateLists::check_list(std::int64_t i, std::vector<std::int32_t>& seen) const {
  const List of = list(i);
  const auto ids = candidates_.values<std::int32_t>();
  const auto measures = measures_.values<float>();
  seen.clear();
  for (std::int64_t c = of.begin; c < of.end; ++c) {
    const auto at = static_cast<std::size_t>(c);
    const std::int32_t patch = ids[2 * at];
    const std::int32_t mutual = ids[2 * at + 1];
    if (patch < 0 || patch >= patches_.size())
      fail(candidates_, c, fmt::format("candidate {} of {}", patch, patches_.size()));
    if (mutual != 0 && mutual != 1) fail(candidates_, c, fmt::format("expected mutual 0 or 1, found {}", mutual));
    if (image_of(patch) == image_of(of.keypoint))
      fail(candidates_, c, fmt::format("candidate {} lies in the image of its keypoint {}", patch, of.keypoint));
    if (!seen.empty() && image_of(patch) != image_of(seen.front()))
      fail(candidates_, c, fmt::format("candidates {} and {} of one list lie in two images", seen.front(), patch));
    seen.push_back(patch);
    const float* const m = &measures[4 * at];
    const bool finite = std::all_of(m, m + 4, [](float value) { return std::isfinite(value); });
    if (!finite || m[1] < 0 || std::abs(m[3]) > kLargestAngle)
      fail(measures_, c,
           fmt::format("expected a finite similarity, distance of 0 or more, scale, and angle within pi, found {}, {}, "
                       "{}, {}",
                       m[0], m[1], m[2], m[3]));
    if (c > of.begin && m[0] > m[-4])
      fail(measures_, c, fmt::format("similarity {} after {}: the most similar comes first", m[0], m[-4]));
  }
  std::sort(seen.begin(), seen.end());
  const auto twice = std::adjacent_find(seen.begin(), seen.end());
  if (twice != seen.end()) fail(lists_, i, fmt::format("candidate {} is listed twice", *twice));
}

std::int64_t CandidateLists::image_of(std::int32_t patch) const {
  return std::upper_bound(image_begins_.begin(), image_begins_.end(), std::int64_t{patch}) - image_begins_.begin() - 1;
}

CandidateLists::List CandidateLists::list(std::int64_t i) const {
  const auto at = static_cast<std::size_t>(i);
  return {lists_.values<std::int32_t>()[2 * at], begins_[at], begins_[at + 1]};
}

Candidate CandidateLists::candidate(std::int64_t i) const {
  const auto at = static_cast<std::size_t>(i);
  const auto ids = candidates_.values<std::int32_t>();
  const auto m = measures_.values<float>().subspan(4 * at, 4);
  return {ids[2 * at], ids[2 * at + 1] != 0, m[0], m[1], m[2], m[3]};
}

}  // namespace twinpatch
