// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <limits>

#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/colmap_model.hpp"

namespace twinpatch {

namespace {

/// A count as COLMAP writes it, checked against the bytes that are left.
std::int64_t read_count(ByteReader& reader, std::int64_t item_bytes, std::string_view what) {
  const auto count = reader.read<std::uint64_t>(what);
  if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    reader.fail(fmt::format("{}: a count of {}", what, count));
  }
  reader.check_count(static_cast<std::int64_t>(count), item_bytes, what);
  return static_cast<std::int64_t>(count);
}

/// Zero-terminated.
std::string read_name(ByteReader& reader) {
  std::string name;
  for (char c = reader.read<char>("image name"); c != '\0'; c = reader.read<char>("image name")) name += c;
  if (name.empty()) reader.fail("an image without a name");
  return name;
}

template <std::size_t N>
std::array<double, N> read_doubles(ByteReader& reader, std::string_view what) {
  return reader.read<std::array<double, N>>(what);
}

void expect_end(const ByteReader& reader) {
  if (reader.left() != 0) reader.fail(fmt::format("{} bytes after the last item", reader.left()));
}

}  // namespace

void parse_cameras_bin(std::span<const std::byte> bytes, const std::string& path, ColmapModel& model) {
  ByteReader reader(bytes, path);
  const std::int64_t count = read_count(reader, 24, "number of cameras");
  for (std::int64_t i = 0; i < count; ++i) {
    const auto id = reader.read<std::uint32_t>("camera id");
    ColmapCamera camera;
    camera.model = static_cast<CameraModel>(reader.read<std::int32_t>("camera model"));
    const int parameters = camera_model_parameters(camera.model);
    if (parameters == 0) {
      reader.fail(fmt::format("camera {}: unknown camera model {}", id, static_cast<int>(camera.model)));
    }
    camera.width = reader.read<std::int64_t>("camera width");
    camera.height = reader.read<std::int64_t>("camera height");
    for (int p = 0; p < parameters; ++p) camera.parameters.push_back(reader.read<double>("camera parameter"));
    if (!model.cameras.emplace(id, std::move(camera)).second) reader.fail(fmt::format("duplicate camera id {}", id));
  }
  expect_end(reader);
}

void parse_images_bin(std::span<const std::byte> bytes, const std::string& path, ColmapModel& model) {
  ByteReader reader(bytes, path);
  const std::int64_t count = read_count(reader, 74, "number of images");
  for (std::int64_t i = 0; i < count; ++i) {
    const auto id = reader.read<std::uint32_t>("image id");
    ColmapImage image;
    image.rotation = read_doubles<4>(reader, "rotation");
    image.translation = read_doubles<3>(reader, "translation");
    image.camera = reader.read<std::uint32_t>("camera id");
    image.name = read_name(reader);
    const std::int64_t keypoints = read_count(reader, 24, "number of keypoints");
    image.keypoints.reserve(static_cast<std::size_t>(keypoints));
    for (std::int64_t k = 0; k < keypoints; ++k) {
      const auto place = read_doubles<2>(reader, "keypoint");
      const auto point = reader.read<std::uint64_t>("point id");
      // COLMAP's "no point" is the largest unsigned number.
      image.keypoints.push_back({place[0], place[1], static_cast<std::int64_t>(point)});
    }
    if (!model.images.emplace(id, std::move(image)).second) reader.fail(fmt::format("duplicate image id {}", id));
  }
  expect_end(reader);
}

void parse_points_bin(std::span<const std::byte> bytes, const std::string& path, ColmapModel& model) {
  ByteReader reader(bytes, path);
  const std::int64_t count = read_count(reader, 51, "number of points");
  for (std::int64_t i = 0; i < count; ++i) {
    const auto id = static_cast<std::int64_t>(reader.read<std::uint64_t>("point id"));
    ColmapPoint point;
    point.position = read_doubles<3>(reader, "position");
    (void)reader.take(3, "colour");
    point.error = reader.read<double>("error");
    const std::int64_t track = read_count(reader, 8, "length of a track");
    point.track.reserve(static_cast<std::size_t>(track));
    for (std::int64_t t = 0; t < track; ++t) {
      const auto image = reader.read<std::uint32_t>("image id");
      point.track.push_back({image, reader.read<std::uint32_t>("keypoint index")});
    }
    if (!model.points.emplace(id, std::move(point)).second) reader.fail(fmt::format("duplicate point id {}", id));
  }
  expect_end(reader);
}

}  // namespace twinpatch
