// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "codecs.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/vision/draw.hpp"

namespace twinpatch {
namespace {

constexpr int kWidest = 2400;  // pixels; two photographs of phone size would make a picture nobody opens
constexpr int kOversampling =
    2;                    // lines are drawn on a canvas this much larger, then averaged: even thin ones look even
constexpr int kGap = 12;  // between the photographs
const cv::Scalar kRight(50, 160, 20);  // blue, green, red
const cv::Scalar kWrong(40, 30, 220);
const cv::Scalar kPaper(255, 255, 255);

/// Where the photographs lie on the picture, in pixels of it.
struct Layout {
  double scale = 1;
  cv::Rect left;
  cv::Rect right;
  cv::Size size;
};

Layout arrange(cv::Size left, cv::Size right) {
  Layout layout;
  layout.scale = std::min(1.0, static_cast<double>(kWidest - kGap) / (left.width + right.width));
  const auto scaled = [&](int length) { return std::max(1, static_cast<int>(std::lround(length * layout.scale))); };
  layout.left = {0, 0, scaled(left.width), scaled(left.height)};
  layout.right = {layout.left.width + kGap, 0, scaled(right.width), scaled(right.height)};
  layout.size = {layout.right.x + layout.right.width, std::max(layout.left.height, layout.right.height)};
  layout.left.y = (layout.size.height - layout.left.height) / 2;
  layout.right.y = (layout.size.height - layout.right.height) / 2;
  return layout;
}

/// A photograph nearly without its colours and paler than it is, so that lines stand out on it.
void place(const cv::Mat& photograph, cv::Mat target) {
  cv::Mat scaled;
  cv::resize(photograph, scaled, target.size(), 0, 0, cv::INTER_AREA);
  cv::Mat grey;
  cv::cvtColor(scaled, grey, cv::COLOR_BGR2GRAY);
  cv::cvtColor(grey, grey, cv::COLOR_GRAY2BGR);
  cv::addWeighted(scaled, 0.12, grey, 0.60, 66, target);
}

/// One match, in the drawing canvas's fixed-point pixels.
struct Stroke {
  cv::Point from;
  cv::Point to;
  cv::Scalar colour;
};

constexpr int kShift = 4;  // fractional bits OpenCV's drawing functions are told about

cv::Point on_canvas(const Keypoint& keypoint, const cv::Rect& photograph, double scale) {
  // A keypoint's coordinates count from the corner; those of cv::line from the centre of the first pixel.
  const double unit = kOversampling * (1 << kShift);
  const double half = 0.5 * (1 << kShift);
  return {static_cast<int>(std::lround((photograph.x + keypoint.x * scale) * unit - half)),
          static_cast<int>(std::lround((photograph.y + keypoint.y * scale) * unit - half))};
}

/// Colour of a match whose truth is not known: neighbours in the left photograph have similar ones, so that a line that
/// leaves its bundle shows.
cv::Scalar hue_at(const Keypoint& keypoint, cv::Size photograph) {
  const float hue = 300.0F * std::clamp(keypoint.y / static_cast<float>(photograph.height), 0.0F, 1.0F);
  cv::Mat pixel(1, 1, CV_32FC3, cv::Scalar(hue, 0.80, 0.95));
  cv::cvtColor(pixel, pixel, cv::COLOR_HSV2BGR);
  const cv::Vec3f colour = pixel.at<cv::Vec3f>(0, 0);
  return {255.0 * colour[0], 255.0 * colour[1], 255.0 * colour[2]};
}

void check(std::span<const Keypoint> left, std::span<const Keypoint> right, std::span<const Match> matches,
           std::span<const char> correct) {
  if (!correct.empty() && correct.size() != matches.size()) {
    throw InvalidArgument(fmt::format("{} flags for {} matches", correct.size(), matches.size()));
  }
  for (const Match& match : matches) {
    if (match.left < 0 || match.right < 0 || static_cast<std::size_t>(match.left) >= left.size() ||
        static_cast<std::size_t>(match.right) >= right.size()) {
      throw InvalidArgument(fmt::format("match of keypoints {} and {}, of which there are {} and {}", match.left,
                                        match.right, left.size(), right.size()));
    }
  }
}

/// Order of drawing: the rarer kind last, so that three wrong lines among hundreds of right ones are seen (and the
/// other way round); within a kind the best scores last.
std::vector<std::size_t> drawing_order(std::span<const Match> matches, std::span<const char> correct) {
  std::vector<std::size_t> order(matches.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto right_ones = std::ranges::count_if(correct, [](char flag) { return flag != 0; });
  const bool rare_is_right = 2 * static_cast<std::size_t>(right_ones) < correct.size();
  const auto is_rare = [&](std::size_t i) { return !correct.empty() && (correct[i] != 0) == rare_is_right; };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    if (is_rare(a) != is_rare(b)) return is_rare(b);
    return matches[a].score < matches[b].score;
  });
  return order;
}

void draw_strokes(cv::Mat& picture, std::span<const Stroke> strokes) {
  cv::Mat canvas;
  cv::resize(picture, canvas, {}, kOversampling, kOversampling, cv::INTER_LINEAR);
  // Many lines are made translucent: the photographs and the bundles stay visible below them.
  const double opacity = std::clamp(8.0 / std::sqrt(1.0 + static_cast<double>(strokes.size())), 0.4, 0.9);
  cv::Mat lines = canvas.clone();
  for (const Stroke& stroke : strokes) {
    cv::line(lines, stroke.from, stroke.to, stroke.colour, kOversampling, cv::LINE_AA, kShift);
  }
  cv::addWeighted(lines, opacity, canvas, 1 - opacity, 0, canvas);
  const int radius = (kOversampling * (strokes.size() > 250 ? 2 : 3)) << kShift;
  for (const Stroke& stroke : strokes) {
    for (const cv::Point& end : {stroke.from, stroke.to}) {
      cv::circle(canvas, end, radius + (kOversampling << kShift), kPaper, cv::FILLED, cv::LINE_AA, kShift);
      cv::circle(canvas, end, radius, stroke.colour, cv::FILLED, cv::LINE_AA, kShift);
    }
  }
  cv::resize(canvas, picture, picture.size(), 0, 0, cv::INTER_AREA);
}

}  // namespace

void draw_matches(const std::filesystem::path& path, const MarkedPhotograph& left, const MarkedPhotograph& right,
                  std::span<const Match> matches, std::span<const char> correct) {
  check(left.keypoints, right.keypoints, matches, correct);
  const cv::Mat left_photograph = vision::read_mat(left.image, vision::Colour::bgr);
  const cv::Mat right_photograph = vision::read_mat(right.image, vision::Colour::bgr);
  const Layout layout = arrange(left_photograph.size(), right_photograph.size());
  cv::Mat picture(layout.size, CV_8UC3, kPaper);
  place(left_photograph, picture(layout.left));
  place(right_photograph, picture(layout.right));

  std::vector<Stroke> strokes;
  strokes.reserve(matches.size());
  for (const std::size_t i : drawing_order(matches, correct)) {
    const Keypoint& from = left.keypoints[static_cast<std::size_t>(matches[i].left)];
    const Keypoint& to = right.keypoints[static_cast<std::size_t>(matches[i].right)];
    const cv::Scalar colour = correct.empty()   ? hue_at(from, left_photograph.size())
                              : correct[i] != 0 ? kRight
                                                : kWrong;
    strokes.push_back({on_canvas(from, layout.left, layout.scale), on_canvas(to, layout.right, layout.scale), colour});
  }
  if (!strokes.empty()) draw_strokes(picture, strokes);
  vision::write_mat(path, picture);
}

}  // namespace twinpatch
