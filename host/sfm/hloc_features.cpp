// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/hloc_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hloc_hdf5.hpp"
#include "twinpatch/sfm/library_versions.hpp"

namespace twinpatch {
namespace {

using hdf5::Access;
using hdf5::Reader;

constexpr double kPi = 3.14159265358979323846;

/// Collects the groups that hold a dataset "keypoints". H5Ovisit meets each object once, however groups are linked, and
/// follows no link out of the file.
herr_t take_image(hid_t /*object*/, const char* name, const H5O_info_t* info, void* names) {
  constexpr std::string_view kEnding = "/keypoints";
  const std::string_view path(name);
  if (info->type == H5O_TYPE_DATASET && path.ends_with(kEnding)) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(path.substr(0, path.size() - kEnding.size()));
  }
  return 0;
}

/// Half a unit in the last place of binary16 at `value`.
float half_rounding(float value) {
  if (value <= 0) return 0;
  return std::ldexp(1.0F, std::max(std::ilogb(value), -14) - 11);
}

std::int64_t point_count(const Reader& reader, const std::string& place, const std::vector<std::int64_t>& shape) {
  if (!shape.empty() && shape[0] == 0) return 0;
  if (shape.size() == 2 && shape[1] == 2) return shape[0];
  hdf5::Numbers found;
  found.shape = shape;
  reader.fail(place, fmt::format("expected keypoints of shape [N, 2], found {}", found.shape_text()));
}

/// One number a keypoint, where the dataset is there.
std::vector<float> column(const Reader& reader, const std::string& place, std::int64_t count) {
  if (!reader.has(place)) return {};
  auto numbers = reader.numbers(place);
  if (numbers.shape != std::vector{count}) {
    reader.fail(place,
                fmt::format("expected a number for each of {} keypoints, found shape {}", count, numbers.shape_text()));
  }
  return std::move(numbers.values);
}

void read_points(const Reader& reader, const std::string& place, HlocFeatures& features) {
  const auto points = reader.numbers(place);
  const auto count = static_cast<std::size_t>(point_count(reader, place, points.shape));
  features.half_precision = points.stored_bytes == 2;
  float largest = 0;
  features.keypoints.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const float x = points.values[2 * i];
    const float y = points.values[2 * i + 1];
    features.keypoints[i].x = x + 0.5F;
    features.keypoints[i].y = y + 0.5F;
    largest = std::max({largest, std::abs(x), std::abs(y)});
  }
  if (features.half_precision) features.rounding = half_rounding(largest);
}

void read_size(const Reader& reader, const std::string& place, HlocFeatures& features) {
  if (!reader.has(place)) return;
  const auto size = reader.numbers(place, true);
  const auto is_size = [](float value) { return value >= 1 && value <= 1e6F && value == std::floor(value); };
  if (size.shape != std::vector<std::int64_t>{2} || !is_size(size.values[0]) || !is_size(size.values[1])) {
    reader.fail(place, fmt::format("expected width and height, found shape {}", size.shape_text()));
  }
  features.width = static_cast<int>(size.values[0]);
  features.height = static_cast<int>(size.values[1]);
}

}  // namespace

bool has_hdf5() noexcept { return true; }

std::string hdf5_version() {
  const Access access;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  if (H5get_libversion(&major, &minor, &release) < 0) return "unknown";
  return fmt::format("{}.{}.{}", major, minor, release);
}

HlocFeatureFile::HlocFeatureFile(std::filesystem::path path) : path_(std::move(path)) {
  const Access access;
  const auto file = hdf5::open_file(path_);
  if (H5Ovisit(file.get(), H5_INDEX_NAME, H5_ITER_NATIVE, &take_image, &names_) < 0) {
    throw FormatError(path_.string(), -1, fmt::format("its groups cannot be listed ({})", hdf5::last_error()));
  }
  if (names_.empty()) {
    throw FormatError(path_.string(), -1, "expected groups with a dataset \"keypoints\", found none");
  }
  std::ranges::sort(names_);
}

bool HlocFeatureFile::has(const std::string& name) const { return std::ranges::binary_search(names_, name); }

void HlocFeatureFile::check(const std::string& name) const {
  if (!has(name)) throw InvalidArgument(fmt::format("{}: holds no image \"{}\"", path_.string(), name));
}

std::int64_t HlocFeatureFile::keypoint_count(const std::string& name) const {
  check(name);
  const Access access;
  const auto file = hdf5::open_file(path_);
  const Reader reader(file.get(), path_);
  const std::string place = name + "/keypoints";
  return point_count(reader, place, reader.shape(place));
}

HlocFeatures HlocFeatureFile::read(const std::string& name) const {
  check(name);
  const Access access;
  const auto file = hdf5::open_file(path_);
  const Reader reader(file.get(), path_);
  HlocFeatures features;
  read_points(reader, name + "/keypoints", features);
  read_size(reader, name + "/image_size", features);
  const auto count = static_cast<std::int64_t>(features.keypoints.size());
  const auto scales = column(reader, name + "/scales", count);
  const auto angles = column(reader, name + "/oris", count);
  const auto scores = column(reader, name + "/scores", count);
  features.has_angles = reader.has(name + "/oris");
  for (std::size_t i = 0; i < scales.size(); ++i) features.keypoints[i].sigma = scales[i];
  features.has_scales = reader.has(name + "/scales") && have_scales(features.keypoints);
  for (std::size_t i = 0; i < features.keypoints.size(); ++i) {
    Keypoint& keypoint = features.keypoints[i];
    if (features.has_scales && !(keypoint.sigma > 0)) {
      reader.fail(name + "/scales",
                  fmt::format("expected positive scales, found {} for keypoint {}", keypoint.sigma, i));
    }
    if (!angles.empty()) keypoint.angle = static_cast<float>(static_cast<double>(angles[i]) * kPi / 180.0);
    if (!scores.empty()) keypoint.response = scores[i];
  }
  return features;
}

}  // namespace twinpatch
