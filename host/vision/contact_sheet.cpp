// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "codecs.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/draw.hpp"

namespace twinpatch {
namespace {

constexpr int kShown = 64;  // pixels of a patch's side on a sheet, whatever its own size
constexpr int kMargin = 12;
const cv::Scalar kPaper(255, 255, 255);
const cv::Scalar kInk(90, 90, 90);

/// Patch i as grey pixels of the size shown; raw (float) patches are stretched to black … white.
cv::Mat patch_image(PatchView patches, std::int64_t i) {
  const int type = patches.type == PixelType::u8 ? CV_8UC1 : CV_32FC1;
  const cv::Mat stored(patches.height, patches.width, type, const_cast<void*>(patches.slice(i, 1).pixels));
  cv::Mat grey;
  if (patches.type == PixelType::u8) {
    grey = stored;
  } else {
    cv::normalize(stored, grey, 0, 255, cv::NORM_MINMAX, CV_8U);
  }
  const double scale = static_cast<double>(kShown) / std::max(patches.height, patches.width);
  const cv::Size size(std::max(1, static_cast<int>(std::lround(patches.width * scale))),
                      std::max(1, static_cast<int>(std::lround(patches.height * scale))));
  cv::Mat shown;
  cv::resize(grey, shown, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
  return shown;
}

void place(cv::Mat& sheet, const cv::Mat& patch, int x, int y) {
  cv::Mat target = sheet(cv::Rect({x, y}, patch.size()));
  cv::cvtColor(patch, target, cv::COLOR_GRAY2BGR);
}

/// Small text, its left end at x and its baseline at y; drawn larger and averaged, which OpenCV's stroke font needs.
void write_text(cv::Mat& sheet, const std::string& text, int x, int y) {
  constexpr int kLarger = 4;
  const cv::Size size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, 0.38 * kLarger, kLarger, nullptr);
  const cv::Rect area = cv::Rect(x, y - 12, size.width / kLarger + 2, 16) & cv::Rect({0, 0}, sheet.size());
  if (area.empty()) return;
  cv::Mat large(area.height * kLarger, area.width * kLarger, CV_8UC3, kPaper);
  cv::putText(large, text, {0, 12 * kLarger}, cv::FONT_HERSHEY_SIMPLEX, 0.38 * kLarger, kInk, kLarger, cv::LINE_AA);
  cv::resize(large, sheet(area), area.size(), 0, 0, cv::INTER_AREA);
}

/// Cells of equal size in rows, left to right.
struct Grid {
  int cell_width;
  int cell_height;
  int columns;
  int rows;

  Grid(std::int64_t cells, int width, int height, int most_columns)
      : cell_width(width),
        cell_height(height),
        columns(static_cast<int>(std::clamp<std::int64_t>(cells, 1, most_columns))),
        rows(static_cast<int>(std::max<std::int64_t>(1, (cells + columns - 1) / columns))) {}
  [[nodiscard]] cv::Mat sheet() const {
    return {rows * cell_height + kMargin, columns * cell_width + kMargin, CV_8UC3, kPaper};
  }
  [[nodiscard]] int x(std::int64_t i) const { return kMargin + static_cast<int>(i % columns) * cell_width; }
  [[nodiscard]] int y(std::int64_t i) const { return kMargin + static_cast<int>(i / columns) * cell_height; }
};

std::vector<Match> best_first(std::span<const Match> matches, int most) {
  std::vector<Match> sorted(matches.begin(), matches.end());
  std::ranges::stable_sort(sorted, std::greater<>(), &Match::score);
  if (sorted.size() > static_cast<std::size_t>(most)) sorted.resize(static_cast<std::size_t>(most));
  return sorted;
}

cv::Mat sheet_of_pairs(PatchView left, PatchView right, std::span<const Match> matches, int max_pairs) {
  if (max_pairs < 1) throw InvalidArgument(fmt::format("at most {} pairs to draw, expected 1 or more", max_pairs));
  constexpr int kBetween = 2;  // the two patches of a pair nearly touch
  constexpr int kTextHeight = 15;
  const std::vector<Match> shown = best_first(matches, max_pairs);
  const Grid grid(std::ssize(shown), 2 * kShown + kBetween + kMargin, kShown + kTextHeight + kMargin, 8);
  cv::Mat sheet = grid.sheet();
  for (std::int64_t i = 0; i < std::ssize(shown); ++i) {
    const Match& match = shown[static_cast<std::size_t>(i)];
    if (match.left < 0 || match.right < 0 || match.left >= left.count || match.right >= right.count) {
      throw InvalidArgument(fmt::format("match of patches {} and {}, of which there are {} and {}", match.left,
                                        match.right, left.count, right.count));
    }
    place(sheet, patch_image(left, match.left), grid.x(i), grid.y(i));
    place(sheet, patch_image(right, match.right), grid.x(i) + kShown + kBetween, grid.y(i));
    write_text(sheet, fmt::format("{:.3g}", match.score), grid.x(i), grid.y(i) + kShown + 13);
  }
  if (shown.empty()) write_text(sheet, "no matches", kMargin, kMargin + 40);
  return sheet;
}

}  // namespace

void draw_pairs(const std::filesystem::path& path, PatchView left, PatchView right, std::span<const Match> matches,
                int max_pairs) {
  vision::write_mat(path, sheet_of_pairs(left, right, matches, max_pairs));
}

std::vector<std::byte> draw_pairs_as_png(PatchView left, PatchView right, std::span<const Match> matches,
                                         int max_pairs) {
  return vision::encode_png(sheet_of_pairs(left, right, matches, max_pairs));
}

void draw_patches(const std::filesystem::path& path, PatchView patches, int max_patches) {
  if (max_patches < 1)
    throw InvalidArgument(fmt::format("at most {} patches to draw, expected 1 or more", max_patches));
  constexpr int kBetween = 4;
  const std::int64_t shown = std::min<std::int64_t>(patches.count, max_patches);
  const Grid grid(shown, kShown + kBetween, kShown + kBetween, 20);
  cv::Mat sheet(grid.rows * grid.cell_height + 2 * kMargin - kBetween,
                grid.columns * grid.cell_width + 2 * kMargin - kBetween, CV_8UC3, kPaper);
  for (std::int64_t i = 0; i < shown; ++i) place(sheet, patch_image(patches, i), grid.x(i), grid.y(i));
  if (shown == 0) write_text(sheet, "no patches", kMargin, kMargin + 40);
  vision::write_mat(path, sheet);
}

}  // namespace twinpatch
