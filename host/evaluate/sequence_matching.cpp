// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/evaluate/sequence_matching.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch {
namespace {

constexpr double kRadius = 30;  // pixels of the larger region when overlap is measured
constexpr double kMaxOverlapError = 0.5;
constexpr std::int64_t kGrain = 64;  // keypoints a thread takes at a time

/// A·xᵀx form of an ellipse around the origin: a·dx² + 2b·dx·dy + c·dy² ≤ 1.
struct Ellipse {
  double a = 0, b = 0, c = 0;
  [[nodiscard]] bool contains(double dx, double dy) const { return a * dx * dx + 2 * b * dx * dy + c * dy * dy <= 1; }
  /// Half the extent of its bounding box, and the lengths of its longest half axis.
  [[nodiscard]] double determinant() const { return a * c - b * b; }
  [[nodiscard]] double half_width() const { return std::sqrt(c / determinant()); }
  [[nodiscard]] double half_height() const { return std::sqrt(a / determinant()); }
  [[nodiscard]] double longest() const {
    const double middle = (a + c) / 2;
    return 1 / std::sqrt(middle - std::hypot((a - c) / 2, b));
  }
};

/// The circle of radius sigma after the linear map: points x with |J⁻¹x| ≤ σ.
Ellipse carried_circle(double sigma, const std::array<double, 4>& j) {
  const double d = j[0] * j[3] - j[1] * j[2];
  const double scale = 1 / (d * d * sigma * sigma);
  // J⁻¹ = (1/d)·[j3 −j1; −j2 j0]; the form is J⁻ᵀJ⁻¹/σ².
  return {(j[3] * j[3] + j[2] * j[2]) * scale, -(j[3] * j[1] + j[2] * j[0]) * scale,
          (j[1] * j[1] + j[0] * j[0]) * scale};
}

/// 1 − intersection/union of `left` around the origin and the circle around (dx, dy), by counting a grid of one pixel.
double overlap_error_of(const Ellipse& left, double dx, double dy, double radius) {
  const double scale = kRadius / std::max(left.longest(), radius);
  const double square = scale * scale;
  const Ellipse e{left.a / square, left.b / square, left.c / square};
  const double x = dx * scale, y = dy * scale, r = radius * scale;
  if (std::hypot(x, y) >= r + e.longest()) return 1;
  const auto low_x = static_cast<int>(std::floor(std::min(-e.half_width(), x - r)));
  const auto high_x = static_cast<int>(std::ceil(std::max(e.half_width(), x + r)));
  const auto low_y = static_cast<int>(std::floor(std::min(-e.half_height(), y - r)));
  const auto high_y = static_cast<int>(std::ceil(std::max(e.half_height(), y + r)));
  std::int64_t both = 0, either = 0;
  for (int v = low_y; v <= high_y; ++v) {
    for (int u = low_x; u <= high_x; ++u) {
      const bool in_left = e.contains(u, v);
      const bool in_right = (u - x) * (u - x) + (v - y) * (v - y) <= r * r;
      both += in_left && in_right ? 1 : 0;
      either += in_left || in_right ? 1 : 0;
    }
  }
  return either == 0 ? 1 : 1 - static_cast<double>(both) / static_cast<double>(either);
}

/// What `left` may overlap at all: areas within a factor of two of each other, or more than half is outside.
bool can_overlap(const Ellipse& left, double radius) {
  const double ratio = std::sqrt(left.determinant()) * radius * radius;  // area of the circle over the ellipse's
  return ratio > kMaxOverlapError && ratio < 1 / kMaxOverlapError;
}

std::vector<std::vector<std::int32_t>> overlaps(const std::vector<Keypoint>& left, const std::vector<Keypoint>& right,
                                                const Homography& homography, ThreadPool& pool,
                                                const RunControl& control) {
  std::vector<std::vector<std::int32_t>> found(left.size());
  const auto find = [&](std::size_t i) {
    const auto carried = carry_point(left[i].x, left[i].y, homography);
    if (!carried) return;
    const Ellipse ellipse = carried_circle(left[i].sigma, carried->jacobian);
    const double reach = ellipse.longest();
    for (std::size_t k = 0; k < right.size(); ++k) {
      const double dx = double{right[k].x} - carried->x;
      const double dy = double{right[k].y} - carried->y;
      const double radius = right[k].sigma;
      if (std::abs(dx) >= reach + radius || std::abs(dy) >= reach + radius || !can_overlap(ellipse, radius)) continue;
      if (overlap_error_of(ellipse, dx, dy, radius) < kMaxOverlapError)
        found[i].push_back(static_cast<std::int32_t>(k));
    }
  };
  pool.for_ranges(std::ssize(left), kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    control.check();
    for (std::int64_t i = begin; i < end; ++i) find(static_cast<std::size_t>(i));
  });
  return found;
}

/// Area under precision over recall of nearest neighbours, best scores first; ties in order of the left keypoint.
double average_precision_of(const Selected& best, const std::vector<std::vector<std::int32_t>>& truth,
                            std::int64_t correspondences) {
  if (correspondences == 0) return 0;
  std::vector<std::int64_t> order(truth.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return best.scores[a] > best.scores[b]; });
  double sum = 0;
  std::int64_t right = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto& allowed = truth[static_cast<std::size_t>(order[rank])];
    if (!std::binary_search(allowed.begin(), allowed.end(), best.indices[order[rank]])) continue;
    ++right;
    sum += static_cast<double>(right) / static_cast<double>(rank + 1);
  }
  return sum / static_cast<double>(correspondences);
}

}  // namespace

double overlap_error(const Keypoint& left, const Keypoint& right, const Homography& homography) {
  const auto carried = carry_point(left.x, left.y, homography);
  if (!carried || !(left.sigma > 0) || !(right.sigma > 0)) return 1;
  return overlap_error_of(carried_circle(left.sigma, carried->jacobian), double{right.x} - carried->x,
                          double{right.y} - carried->y, right.sigma);
}

SequenceTruth find_sequence_truth(ImageSequence sequence, const SequenceMatchingOptions& options, ThreadPool& pool,
                                  const RunControl& control) {
  SequenceTruth truth;
  truth.sequence = std::move(sequence);
  for (const GrayImage& image : truth.sequence.images) {
    control.check();
    truth.keypoints.push_back(detect_keypoints(image, {.max_keypoints = options.max_keypoints}));
  }
  for (std::size_t i = 1; i < truth.keypoints.size(); ++i)
    truth.overlapping.push_back(
        overlaps(truth.keypoints.front(), truth.keypoints[i], truth.sequence.from_first[i], pool, control));
  return truth;
}

double SequenceMatching::mean_average_precision() const {
  double sum = 0;
  for (const PairMatching& pair : pairs) sum += pair.average_precision;
  return pairs.empty() ? 0 : sum / static_cast<double>(pairs.size());
}

SequenceMatching match_sequence(Comparer& comparer, const SequenceTruth& truth, const SequenceMatchingOptions& options,
                                ThreadPool& pool, const RunControl& control) {
  SequenceMatching result{truth.sequence.name, {}};
  const auto cut = [&](std::size_t image) {
    return cut_patches(truth.sequence.images[image], truth.keypoints[image],
                       {.side = comparer.side(), .extent = options.extent}, pool);
  };
  const PatchSet first = cut(0);
  for (std::size_t i = 1; i < truth.keypoints.size(); ++i) {
    control.check();
    const auto& overlapping = truth.overlapping[i - 1];
    PairMatching pair;
    pair.image = truth.sequence.numbers.at(i);
    pair.left_keypoints = first.size();
    pair.right_keypoints = std::ssize(truth.keypoints[i]);
    pair.correspondences =
        std::count_if(overlapping.begin(), overlapping.end(), [](const auto& o) { return !o.empty(); });
    if (pair.left_keypoints > 0 && pair.right_keypoints > 0) {
      const PatchSet other = cut(i);
      const Selected best = comparer.best(first.view(), other.view(), {.top_k = 1, .column_best = true}, control);
      pair.average_precision = average_precision_of(best, overlapping, pair.correspondences);
      const std::vector<Match> mutual = matches(best, MatchRules{});
      const auto errors =
          transfer_errors(truth.keypoints.front(), truth.keypoints[i], mutual, truth.sequence.from_first[i]);
      pair.mutual = std::ssize(mutual);
      pair.transfers = count_transfers(errors);
    }
    result.pairs.push_back(pair);
  }
  return result;
}

}  // namespace twinpatch
