// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/refine.hpp"

#include <fmt/format.h>

#include <cmath>
#include <opencv2/video/tracking.hpp>
#include <optional>

#include "opencv.hpp"
#include "patch_frame.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {
namespace {

constexpr std::int64_t kGrain = 8;  // matches a thread takes at once
// OpenCV's own defaults. A hundred iterations to 1e-4 double the time for one match in a hundred more.
constexpr int kIterations = 50;
constexpr double kEpsilon = 1e-3;
constexpr int kBlur = 5;  // pixels

void check(const ComparedWindows& windows, std::span<const Match> matches) {
  const PatchView& left = windows.left;
  const PatchView& right = windows.right;
  const int side = windows.cut.side;
  if (left.type != PixelType::u8 || right.type != PixelType::u8)
    throw InvalidArgument("refinement needs grey levels (uint8 patches)");
  const auto fits = [&](const PatchView& view) { return view.height == side && view.width == side; };
  if ((left.count > 0 && !fits(left)) || (right.count > 0 && !fits(right))) {
    throw InvalidArgument(fmt::format("refinement of windows of {0}x{0} pixels, found {1}x{2} and {3}x{4}", side,
                                      left.height, left.width, right.height, right.width));
  }
  if (std::ssize(windows.centres) != right.count)
    throw InvalidArgument(fmt::format("{} keypoints for {} right windows", windows.centres.size(), right.count));
  for (std::size_t i = 0; windows.cut.affine && i < windows.centres.size(); ++i) {
    const std::string fault = shape_fault(windows.centres[i]);
    if (!fault.empty()) throw InvalidArgument(fmt::format("keypoint {} {}", i, fault));
  }
  for (const Match& match : matches) {
    if (match.left < 0 || match.right < 0 || match.left >= left.count || match.right >= right.count) {
      throw InvalidArgument(fmt::format("match of windows {} and {}, of which there are {} and {}", match.left,
                                        match.right, left.count, right.count));
    }
  }
}

/// OpenCV's interface takes no const pixels; they are only read.
cv::Mat window(const PatchView& view, std::int32_t i) {
  return {view.height, view.width, CV_8UC1, const_cast<void*>(view.slice(i, 1).pixels)};
}

/// Where the centre of the left window lies, in pixels of the right window from its centre.
struct Alignment {
  double column = 0, row = 0;
  double correlation = 0;
};

/// Nothing where the iteration diverges, or a window is flat.
std::optional<Alignment> align(const cv::Mat& left, const cv::Mat& right) {
  cv::Mat map = cv::Mat::eye(2, 3, CV_32F);  // from pixels of the left window to pixels of the right
  Alignment found;
  try {
    found.correlation = cv::findTransformECC(
        left, right, map, cv::MOTION_AFFINE,
        cv::TermCriteria(cv::TermCriteria::COUNT | cv::TermCriteria::EPS, kIterations, kEpsilon), cv::noArray(), kBlur);
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoConv) return std::nullopt;
    vision::throw_ours("refinement", error);
  }
  const double centre = (left.cols - 1) / 2.0;
  const auto moved = [&](int row) {
    const auto* const terms = map.ptr<float>(row);
    return (double{terms[0]} + double{terms[1]}) * centre + double{terms[2]} - centre;
  };
  found.column = moved(0);
  found.row = moved(1);
  return found;
}

RefinedEnd refine_end(const cv::Mat& left, const cv::Mat& right, const Keypoint& keypoint, const CutOptions& cut,
                      const RefineOptions& options) {
  const RefinedEnd kept{keypoint.x, keypoint.y, 0};
  const auto alignment = align(left, right);
  // Written so that a NaN is refused too.
  if (!alignment || !(alignment->correlation >= options.min_correlation)) return kept;
  if (!(std::hypot(alignment->column, alignment->row) <= options.max_move * cut.side)) return kept;
  const vision::PatchFrame frame = vision::patch_frame(keypoint, cut);
  return {static_cast<float>(keypoint.x + frame.x_column * alignment->column + frame.x_row * alignment->row),
          static_cast<float>(keypoint.y + frame.y_column * alignment->column + frame.y_row * alignment->row),
          static_cast<float>(alignment->correlation)};
}

}  // namespace

std::vector<RefinedEnd> refine(const ComparedWindows& windows, std::span<const Match> matches,
                               const RefineOptions& options, ThreadPool& pool, const RunControl& control) {
  check(windows, matches);
  std::vector<RefinedEnd> ends(matches.size());
  pool.for_ranges(std::ssize(matches), kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    control.check();
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const Match& match = matches[i];
      ends[i] = refine_end(window(windows.left, match.left), window(windows.right, match.right),
                           windows.centres[static_cast<std::size_t>(match.right)], windows.cut, options);
    }
  });
  return ends;
}

}  // namespace twinpatch
