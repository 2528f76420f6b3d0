// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "deflate.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/formats/json.hpp"
#include "twinpatch/formats/npy.hpp"
#include "twinpatch/formats/zip_archive.hpp"
#include "twinpatch/sfm/opensfm.hpp"

// Reference: opensfm/dataset.py and opensfm/features.py of OpenSfM, versions 1 to 3 of its feature files.

namespace twinpatch {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFeatures = ".features.npz";
constexpr std::string_view kVersion = "OPENSFM_FEATURES_VERSION.npy";
constexpr std::string_view kPoints = "points.npy";
constexpr std::int64_t kColumns = 4;
constexpr int kLargestSide = 1 << 20;

/// The value of `feature_type` in config.yaml, in capitals; HAHOG, as in OpenSfM, where it is not set.
std::string feature_type(const fs::path& config) {
  std::string type = "HAHOG";
  if (!fs::exists(config)) return type;
  const std::string text = read_text_file(config);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    constexpr std::string_view kKey = "feature_type:";
    if (!line.starts_with(kKey)) continue;
    type.clear();
    for (const char c : line.substr(kKey.size(), line.find('#', kKey.size()) - kKey.size())) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0) type += static_cast<char>(std::toupper(c));
    }
  }
  return type;
}

OpenSfmSize size_by_config(const fs::path& config) {
  const std::string type = feature_type(config);
  if (type == "HAHOG") return OpenSfmSize::sigma;
  if (type == "SIFT") return OpenSfmSize::diameter;
  throw FormatError(
      config.string(), -1,
      fmt::format("feature_type {}: its sizes are known for HAHOG and SIFT only; say what they are", type));
}

OpenSfmImage image_of(const fs::path& folder, const std::string& name) {
  const fs::path path = folder / "exif" / (name + ".exif");
  const JsonValue exif = parse_json(read_text_file(path), path.string());
  const auto side = [&](const char* which) { return static_cast<int>(exif.at(which).integer(1, kLargestSide)); };
  return {.name = name, .width = side("width"), .height = side("height")};
}

/// An array of an .npz, compressed or not.
NpyArray array_of(const std::vector<ZipEntry>& entries, std::string_view name, const std::string& path) {
  const auto found = std::ranges::find(entries, name, &ZipEntry::name);
  if (found == entries.end()) throw FormatError(path, -1, fmt::format("expected an array {}, found none", name));
  const std::string what = fmt::format("{}: {}", path, name);
  if (found->plain) return parse_npy(found->bytes, what);
  if (!found->deflated) throw FormatError(path, found->offset, fmt::format("{} is compressed in an unknown way", name));
  return parse_npy(sfm::inflate(found->bytes, found->size, what), what);
}

/// Version 0 had no sizes: its third column is always the same.
void check_version(const std::vector<ZipEntry>& entries, const std::string& path) {
  constexpr std::int64_t kNewest = 3;
  if (std::ranges::find(entries, kVersion, &ZipEntry::name) == entries.end()) {
    throw FormatError(path, -1, "features without a version, whose keypoints have no sizes; detect them again");
  }
  const NpyArray version = array_of(entries, kVersion, path);
  const std::int64_t found = version.size() == 1 ? version.values<std::int64_t>()[0] : -1;
  if (found < 1 || found > kNewest) {
    throw FormatError(path, -1, fmt::format("features of version {}, expected 1 to {}", found, kNewest));
  }
}

}  // namespace

OpenSfmDataset::OpenSfmDataset(fs::path folder, std::optional<OpenSfmSize> size) : folder_(std::move(folder)) {
  size_ = size ? *size : size_by_config(folder_ / "config.yaml");
  const fs::path features = folder_ / "features";
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(features, error), end; !error && at != end; at.increment(error)) {
    const std::string file = at->path().filename().string();
    if (file.ends_with(kFeatures)) names.push_back(file.substr(0, file.size() - kFeatures.size()));
  }
  if (error) throw IoError(features.string(), "cannot list OpenSfM's features", error.value());
  if (names.empty()) {
    throw FormatError(features.string(), -1, "no *.features.npz here: run opensfm detect_features first");
  }
  std::ranges::sort(names);
  for (const std::string& name : names) images_.push_back(image_of(folder_, name));
}

fs::path OpenSfmDataset::features_file(std::string_view name) const {
  return folder_ / "features" / fmt::format("{}{}", name, kFeatures);
}

std::vector<Keypoint> OpenSfmDataset::keypoints(std::string_view name) const {
  const auto image = std::ranges::lower_bound(images_, name, {}, &OpenSfmImage::name);
  if (image == images_.end() || image->name != name) {
    throw InvalidArgument(fmt::format("{}: no image \"{}\"", folder_.string(), name));
  }
  const std::string path = features_file(name).string();
  const std::vector<std::byte> bytes = read_file(path);
  const std::vector<ZipEntry> entries = parse_zip(bytes, path);
  check_version(entries, path);
  const NpyArray points = array_of(entries, kPoints, path);
  if (points.shape().size() != 2 || points.shape()[1] != kColumns) {
    throw FormatError(path, -1, "expected points [N, 4] (x, y, size, angle)");
  }
  const double longer = std::max(image->width, image->height);
  const double size = size_ == OpenSfmSize::sigma ? longer : longer / 2;
  const std::span<const float> values = points.values<float>();
  std::vector<Keypoint> keypoints;
  keypoints.reserve(values.size() / kColumns);
  for (std::size_t i = 0; i < values.size(); i += kColumns) {
    const auto row = values.subspan(i, kColumns);
    if (!std::ranges::all_of(row, [](float value) { return std::isfinite(value); })) {
      throw FormatError(path, -1, fmt::format("keypoint {} is not finite", i / kColumns));
    }
    keypoints.push_back({.x = static_cast<float>(row[0] * longer + image->width / 2.0),
                         .y = static_cast<float>(row[1] * longer + image->height / 2.0),
                         .sigma = static_cast<float>(row[2] * size),
                         .angle = static_cast<float>(row[3] * std::numbers::pi / 180)});
  }
  return keypoints;
}

}  // namespace twinpatch
