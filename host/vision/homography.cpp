// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "opencv.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/vision/homography.hpp"

namespace twinpatch {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::size_t offset, std::string_view what) {
  throw FormatError(path.string(), static_cast<std::int64_t>(offset), what);
}

/// Nine numbers apart by blanks, commas, semicolons or brackets; '#' begins a comment.
Homography parse_numbers(std::string_view text, const std::filesystem::path& path) {
  constexpr std::string_view kSeparators = " \t\r\n,;[]";
  Homography homography{};
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find_first_not_of(kSeparators, at)) < text.size();) {
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
    std::string_view word = text.substr(at, end - at);
    if (word.starts_with('+')) word.remove_prefix(1);
    double value = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || stop != word.data() + word.size()) {
      fail(path, at, fmt::format("expected nine numbers, found '{:.40}'", word));
    }
    if (found == 9) fail(path, at, "expected nine numbers, found more");
    homography[found++] = value;
    at = end;
  }
  if (found != 9) fail(path, text.size(), fmt::format("expected nine numbers, found {}", found));
  return homography;
}

bool is_matrix(const cv::FileNode& node) {
  return node.isMap() && !node["rows"].empty() && static_cast<int>(node["rows"]) == 3 &&
         static_cast<int>(node["cols"]) == 3;
}

/// The one 3×3 matrix of an OpenCV file, whatever its name.
Homography parse_storage(const cv::FileStorage& storage, const std::filesystem::path& path) {
  cv::Mat matrix;
  const cv::FileNode root = storage.root();
  for (const cv::FileNode& node : root) {
    if (!is_matrix(node)) continue;
    if (!matrix.empty()) fail(path, 0, "expected one 3x3 matrix, found several");
    node >> matrix;
  }
  if (matrix.empty() || matrix.channels() != 1) fail(path, 0, "expected a 3x3 matrix, found none");
  matrix.convertTo(matrix, CV_64F);
  Homography homography{};
  for (int i = 0; i < 9; ++i) homography[static_cast<std::size_t>(i)] = matrix.at<double>(i / 3, i % 3);
  return homography;
}

Homography read_storage(const std::string& text, const std::filesystem::path& path) {
  try {
    // Debian compresses documentation; OpenCV unpacks files but not memory.
    if (text.starts_with("\x1f\x8b")) return parse_storage({path.string(), cv::FileStorage::READ}, path);
    return parse_storage({text, cv::FileStorage::READ | cv::FileStorage::MEMORY}, path);
  } catch (const cv::Exception&) {
    fail(path, 0, "cannot read it as an OpenCV XML, YAML or JSON file");
  }
}

double determinant(const Homography& h) {
  return h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) + h[2] * (h[3] * h[7] - h[4] * h[6]);
}

}  // namespace

Homography read_homography(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  const bool is_storage =
      text.starts_with("\x1f\x8b") || text.starts_with("<?xml") || text.starts_with("%YAML") || text.starts_with("{");
  const Homography homography = is_storage ? read_storage(text, path) : parse_numbers(text, path);
  for (const double value : homography) {
    if (!std::isfinite(value)) fail(path, 0, "expected finite numbers");
  }
  if (determinant(homography) == 0) fail(path, 0, "the matrix is singular: it maps the image onto a line or a point");
  return homography;
}

void check_homography(const Homography& h) {
  double squares = 0;
  for (const double value : h) {
    if (!std::isfinite(value)) throw InvalidArgument("the homography has a value that is not finite");
    squares += value * value;
  }
  // Relative to the matrix's own size; pixels make the translation's column large, hence the small bound.
  if (squares == 0 || std::abs(determinant(h)) < 1e-12 * std::pow(squares, 1.5)) {
    throw InvalidArgument("the homography is singular");
  }
  if (determinant(h) * h[8] < 0) throw InvalidArgument("the homography mirrors the image");
}

Homography inverse(const Homography& h) {
  const double d = determinant(h);
  return {(h[4] * h[8] - h[5] * h[7]) / d, (h[2] * h[7] - h[1] * h[8]) / d, (h[1] * h[5] - h[2] * h[4]) / d,
          (h[5] * h[6] - h[3] * h[8]) / d, (h[0] * h[8] - h[2] * h[6]) / d, (h[2] * h[3] - h[0] * h[5]) / d,
          (h[3] * h[7] - h[4] * h[6]) / d, (h[1] * h[6] - h[0] * h[7]) / d, (h[0] * h[4] - h[1] * h[3]) / d};
}

Homography product(const Homography& a, const Homography& b) {
  Homography result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) result[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    }
  }
  return result;
}

std::optional<CarriedPoint> carry_point(double point_x, double point_y, const Homography& h) {
  // Homographies count from the centre of the first pixel, keypoints from the image's corner.
  const double x = point_x - 0.5;
  const double y = point_y - 0.5;
  const double w = h[6] * x + h[7] * y + h[8];
  // The sign of the whole matrix is arbitrary; the first image's corner is taken to be in front of the camera.
  if (w * h[8] <= 1e-9 * h[8] * h[8]) return std::nullopt;
  const double u = (h[0] * x + h[1] * y + h[2]) / w;
  const double v = (h[3] * x + h[4] * y + h[5]) / w;
  CarriedPoint carried{
      u + 0.5, v + 0.5, {(h[0] - u * h[6]) / w, (h[1] - u * h[7]) / w, (h[3] - v * h[6]) / w, (h[4] - v * h[7]) / w}};
  const auto& j = carried.jacobian;
  if (!(j[0] * j[3] - j[1] * j[2] > 1e-12)) return std::nullopt;
  return carried;
}

std::optional<Keypoint> carry_over(const Keypoint& keypoint, const Homography& homography) {
  const auto point = carry_point(keypoint.x, keypoint.y, homography);
  if (!point) return std::nullopt;
  const auto& j = point->jacobian;
  const double c = std::cos(keypoint.angle);
  const double s = std::sin(keypoint.angle);
  Keypoint carried = keypoint;
  carried.x = static_cast<float>(point->x);
  carried.y = static_cast<float>(point->y);
  carried.sigma = static_cast<float>(keypoint.sigma * std::sqrt(j[0] * j[3] - j[1] * j[2]));
  carried.angle = static_cast<float>(std::atan2(j[2] * c + j[3] * s, j[0] * c + j[1] * s));
  return carried;
}

std::vector<double> transfer_errors(std::span<const Keypoint> left, std::span<const Keypoint> right,
                                    std::span<const Match> matches, const Homography& homography) {
  std::vector<double> errors;
  errors.reserve(matches.size());
  const Homography& h = homography;
  for (const Match& match : matches) {
    if (match.left < 0 || match.right < 0 || static_cast<std::size_t>(match.left) >= left.size() ||
        static_cast<std::size_t>(match.right) >= right.size()) {
      throw InvalidArgument(fmt::format("match {} of keypoints {} and {}, of which there are {} and {}", errors.size(),
                                        match.left, match.right, left.size(), right.size()));
    }
    const Keypoint& from = left[static_cast<std::size_t>(match.left)];
    const Keypoint& to = right[static_cast<std::size_t>(match.right)];
    // Keypoints have the first pixel's centre at (0.5, 0.5), homographies at (0, 0).
    const double x = double{from.x} - 0.5;
    const double y = double{from.y} - 0.5;
    const double w = h[6] * x + h[7] * y + h[8];
    const double distance = std::hypot((h[0] * x + h[1] * y + h[2]) / w - (double{to.x} - 0.5),
                                       (h[3] * x + h[4] * y + h[5]) / w - (double{to.y} - 0.5));
    // A point on the horizon goes nowhere.
    errors.push_back(std::isfinite(distance) ? distance : std::numeric_limits<double>::infinity());
  }
  return errors;
}

}  // namespace twinpatch
