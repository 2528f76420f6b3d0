// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/pair_geometry.hpp"

// Which right points lie near what a geometry makes of each left point. Right points are sorted by one coordinate in
// which those of a left point lie together: their angle about the epipole, or their height for homographies. What
// lies near in that coordinate is then tested.

namespace twinpatch {
namespace {

using Matrix3 = std::array<double, 9>;

/// a x + b y + c = 0; of unit normal, so that distances are values of the left side.
struct Line {
  double a = 0, b = 0, c = 0;
  double length = 0;  ///< of the normal before
  [[nodiscard]] double distance(const Vector2& point) const { return std::fabs(a * point[0] + b * point[1] + c); }
};

Vector3 times(const Matrix3& m, const Vector3& v) {
  return {m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
          m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}
Matrix3 transposed(const Matrix3& m) { return {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]}; }
Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
double norm(const Vector3& v) { return std::hypot(v[0], v[1], v[2]); }

Line line_of(const Matrix3& fundamental, const Vector2& point) {
  const Vector3 l = times(fundamental, {point[0], point[1], 1});
  const double length = std::hypot(l[0], l[1]);
  if (!(length > 0)) return {};
  return {l[0] / length, l[1] / length, l[2] / length, length};
}

/// Points by a coordinate.
struct Sorted {
  std::vector<double> at;            ///< ascending
  std::vector<std::int32_t> points;  ///< their numbers

  void sort(std::vector<std::pair<double, std::int32_t>> all) {
    std::ranges::sort(all);
    for (const auto& [value, point] : all) {
      at.push_back(value);
      points.push_back(point);
    }
  }
  /// The numbers of points in [low, high].
  [[nodiscard]] std::span<const std::int32_t> within(double low, double high) const {
    const auto begin = std::ranges::lower_bound(at, low) - at.begin();
    const auto end = std::ranges::upper_bound(at, high) - at.begin();
    return std::span(points).subspan(static_cast<std::size_t>(begin),
                                     static_cast<std::size_t>(std::max(begin, end) - begin));
  }
};

/// Columns of one row, in any order, on their way into a mask.
class RowBuilder {
 public:
  explicit RowBuilder(GridMask& mask) : mask_(mask) {}
  void add(std::int32_t column) { columns_.push_back(column); }
  void end() {
    std::ranges::sort(columns_);
    intervals_.clear();
    for (const std::int32_t column : columns_) {
      if (!intervals_.empty() && intervals_.back().end == column) {
        ++intervals_.back().end;
      } else {
        intervals_.push_back({column, column + 1});
      }
    }
    mask_.add_row(intervals_);
    columns_.clear();
  }

 private:
  GridMask& mask_;
  std::vector<std::int32_t> columns_;
  std::vector<ColumnInterval> intervals_;
};

/// A circle around points.
struct Circle {
  Vector2 centre{};
  double radius = 0;
};
Circle around(std::span<const Vector2> points) {
  Vector2 low = points.front();
  Vector2 high = points.front();
  for (const Vector2& point : points) {
    for (std::size_t k = 0; k < 2; ++k) {
      low[k] = std::min(low[k], point[k]);
      high[k] = std::max(high[k], point[k]);
    }
  }
  return {{(low[0] + high[0]) / 2, (low[1] + high[1]) / 2}, std::hypot(high[0] - low[0], high[1] - low[1]) / 2 + 1};
}

/// Right points by the epipolar line that they lie on.
class Pencil {
 public:
  Pencil(const Matrix3& fundamental, std::span<const Vector2> right, double pixels)
      : circle_(around(right)), pixels_(pixels) {
    place_epipole(fundamental);
    const double near = kNear * pixels;
    std::vector<std::pair<double, std::int32_t>> angles;
    nearest_ = std::numeric_limits<double>::infinity();
    for (std::int32_t j = 0; j < std::ssize(right); ++j) {
      const Vector2& point = right[static_cast<std::size_t>(j)];
      const double distance = std::hypot(point[0] - epipole_[0], point[1] - epipole_[1]);
      if (distance <= near) {
        close_.push_back(j);  // all angles at once
      } else {
        nearest_ = std::min(nearest_, distance);
        angles.emplace_back(angle_of(point), j);
      }
    }
    by_angle_.sort(std::move(angles));
  }

  /// Calls visit(j) for every point within `pixels` of an epipolar line, and for some others, each once.
  template <class Visit>
  void visit(const Line& line, const Visit& visit) const {
    const auto all = [&](std::span<const std::int32_t> points) {
      for (const std::int32_t j : points) visit(j);
    };
    all(close_);
    // A point of the line far from the epipole: the foot of the circle's centre, a radius further away.
    const double off = line.a * circle_.centre[0] + line.b * circle_.centre[1] + line.c;
    const Vector2 foot{circle_.centre[0] - off * line.a, circle_.centre[1] - off * line.b};
    const double side = -line.b * (foot[0] - epipole_[0]) + line.a * (foot[1] - epipole_[1]) >= 0 ? 1 : -1;
    const double angle = angle_of({foot[0] - side * circle_.radius * line.b, foot[1] + side * circle_.radius * line.a});
    // One pixel more: an epipole that was moved nearer bends lines by less.
    const double width = std::asin(std::min(1.0, (pixels_ + 1) / nearest_));
    if (2 * width >= std::numbers::pi) return all(by_angle_.points);
    all(by_angle_.within(angle - width, angle + width));
    if (angle - width < 0) all(by_angle_.within(angle - width + std::numbers::pi, std::numbers::pi));
    if (angle + width >= std::numbers::pi) all(by_angle_.within(0, angle + width - std::numbers::pi));
  }

 private:
  static constexpr double kNear = 16;       ///< bands: nearer points see too wide an angle
  static constexpr double kFarthest = 1e6;  ///< radii: an epipole at infinity comes this near

  void place_epipole(const Matrix3& f) {
    // The left null vector of F: across two of its columns.
    const Vector3 a{f[0], f[3], f[6]};
    const Vector3 b{f[1], f[4], f[7]};
    const Vector3 c{f[2], f[5], f[8]};
    Vector3 e{};
    for (const Vector3& candidate : {cross(a, b), cross(a, c), cross(b, c)}) {
      if (norm(candidate) > norm(e)) e = candidate;
    }
    Vector2 way{e[0] - e[2] * circle_.centre[0], e[1] - e[2] * circle_.centre[1]};
    const double length = std::hypot(way[0], way[1]);
    const double most = kFarthest * circle_.radius;
    const double distance = length >= most * std::fabs(e[2]) ? most : length / std::fabs(e[2]);
    const double sign = e[2] < 0 ? -1 : 1;
    if (length > 0) way = {sign * way[0] / length, sign * way[1] / length};
    epipole_ = {circle_.centre[0] + distance * way[0], circle_.centre[1] + distance * way[1]};
  }
  /// In [0, π): lines have no direction.
  [[nodiscard]] double angle_of(const Vector2& point) const {
    double angle = std::atan2(point[1] - epipole_[1], point[0] - epipole_[0]);
    if (angle < 0) angle += std::numbers::pi;
    return angle >= std::numbers::pi ? angle - std::numbers::pi : angle;
  }

  Circle circle_;
  double pixels_;
  Vector2 epipole_{};
  double nearest_ = 0;
  Sorted by_angle_;
  std::vector<std::int32_t> close_;
};

GridMask epipolar_mask(const Matrix3& fundamental, std::span<const Vector2> left, std::span<const Vector2> right,
                       double pixels) {
  const Pencil pencil(fundamental, right, pixels);
  const Matrix3 backwards = transposed(fundamental);
  std::vector<Line> lines;  // in the left image
  lines.reserve(right.size());
  for (const Vector2& point : right) lines.push_back(line_of(backwards, point));
  GridMask mask(std::ssize(right));
  RowBuilder row(mask);
  for (const Vector2& point : left) {
    const Line line = line_of(fundamental, point);
    if (line.length > 0) {
      pencil.visit(line, [&](std::int32_t j) {
        const auto at = static_cast<std::size_t>(j);
        if (line.distance(right[at]) <= pixels && lines[at].length > 0 && lines[at].distance(point) <= pixels) {
          row.add(j);
        }
      });
    }
    row.end();
  }
  return mask;
}

GridMask homography_mask(const Matrix3& homography, std::span<const Vector2> left, std::span<const Vector2> right,
                         double pixels) {
  std::vector<std::pair<double, std::int32_t>> heights;
  heights.reserve(right.size());
  for (std::int32_t j = 0; j < std::ssize(right); ++j) heights.emplace_back(right[static_cast<std::size_t>(j)][1], j);
  Sorted by_height;
  by_height.sort(std::move(heights));
  const Circle circle = around(left);
  const double front = times(homography, {circle.centre[0], circle.centre[1], 1})[2];
  GridMask mask(std::ssize(right));
  RowBuilder row(mask);
  for (const Vector2& point : left) {
    const Vector3 to = times(homography, {point[0], point[1], 1});
    if (to[2] * front > 0) {  // else behind the camera
      const Vector2 there{to[0] / to[2], to[1] / to[2]};
      for (const std::int32_t j : by_height.within(there[1] - pixels, there[1] + pixels)) {
        const Vector2& other = right[static_cast<std::size_t>(j)];
        if (std::hypot(other[0] - there[0], other[1] - there[1]) <= pixels) row.add(j);
      }
    }
    row.end();
  }
  return mask;
}

}  // namespace

GridMask geometry_mask(const PairGeometry& geometry, std::span<const Vector2> left, std::span<const Vector2> right,
                       double pixels) {
  if (!(pixels > 0)) throw InvalidArgument("the band of a guided match needs a width in pixels");
  if (left.empty() || right.empty()) {
    GridMask mask(std::ssize(right));
    for (std::size_t i = 0; i < left.size(); ++i) mask.add_row({});
    return mask;
  }
  return geometry.kind == PairGeometry::Kind::fundamental ? epipolar_mask(geometry.matrix, left, right, pixels)
                                                          : homography_mask(geometry.matrix, left, right, pixels);
}

}  // namespace twinpatch
