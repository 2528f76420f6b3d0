// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "twinpatch/core/file.hpp"
#include "twinpatch/sfm/openmvg.hpp"

namespace twinpatch {
namespace {

constexpr std::size_t kDescriptorBytes = 128;  // of OpenMVG's SIFT regions

/// Four finite floats between blanks, and nothing else.
bool read_numbers(std::string_view line, std::array<float, 4>& numbers) {
  const auto skip = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size())); };
  for (float& number : numbers) {
    skip();
    const auto [stop, status] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (status != std::errc() || !std::isfinite(number)) return false;
    line.remove_prefix(static_cast<std::size_t>(stop - line.data()));
    if (!line.empty() && std::string_view(" \t\r").find(line.front()) == std::string_view::npos) return false;
  }
  skip();
  return line.empty();
}

}  // namespace

std::vector<Keypoint> read_openmvg_features(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  std::vector<Keypoint> keypoints;
  std::string_view rest = text;
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    std::array<float, 4> values{};
    if (!read_numbers(line, values)) {
      throw FormatError(
          path.string(), -1,
          fmt::format("line {}: expected \"x y scale orientation\", found \"{}\"", number, line.substr(0, 80)));
    }
    if (!(values[2] > 0)) {
      throw FormatError(path.string(), -1,
                        fmt::format("line {}: expected a positive scale, found {}", number, values[2]));
    }
    keypoints.push_back({.x = values[0] + 0.5F, .y = values[1] + 0.5F, .sigma = values[2], .angle = values[3]});
  }
  return keypoints;
}

void write_openmvg_features(const std::filesystem::path& path, std::span<const Keypoint> keypoints) {
  AtomicFile file(path);
  for (const auto& keypoint : keypoints) {
    file.write(fmt::format("{} {} {} {}\n", keypoint.x - 0.5F, keypoint.y - 0.5F, keypoint.sigma, keypoint.angle));
  }
  file.commit();
}

void write_openmvg_descriptors(const std::filesystem::path& path, std::int64_t count) {
  if (count < 0)
    throw InvalidArgument(fmt::format("{}: expected a number of descriptors, found {}", path.string(), count));
  AtomicFile file(path);
  const auto size = static_cast<std::uint64_t>(count);
  file.write(std::as_bytes(std::span(&size, 1)));
  const std::array<std::byte, kDescriptorBytes> row{};
  for (std::int64_t i = 0; i < count; ++i) file.write(row);
  file.commit();
}

}  // namespace twinpatch
