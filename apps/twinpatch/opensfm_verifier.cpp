// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "apps/twinpatch/opensfm_verifier.hpp"

namespace twinpatch::app {
namespace {

constexpr std::int64_t kMostKeypoints = 5'000'000;  // 200 MB

/// Matches that the pair's geometry explains; none for a pair without one.
std::vector<Match> inliers(const ColmapGeometry& geometry) {
  std::vector<Match> result;
  if (geometry.config == ColmapConfig::degenerate || geometry.config == ColmapConfig::watermark) return result;
  result.reserve(geometry.inliers.size());
  for (const IndexPair& pair : geometry.inliers) result.push_back({pair.left, pair.right, 0});
  return result;
}

}  // namespace

OpenSfmVerifier::OpenSfmVerifier(RunControl control, int threads, const ColmapVerifyOptions& options, Load load)
    : control_(std::move(control)),
      options_(options),
      load_(std::move(load)),
      pool_(threads),
      cache_(kMostKeypoints, [](const Keypoints& keypoints) { return std::ssize(*keypoints); }) {}

OpenSfmVerifier::Keypoints OpenSfmVerifier::keypoints(std::int32_t image) {
  return cache_.get(image, [&] { return std::make_shared<const std::vector<Keypoint>>(load_(image)); });
}

void OpenSfmVerifier::add(ImagePair pair, std::span<const Match> matches, const PairSink& sink) {
  Waiting waiting{.pair = pair, .matches{matches.begin(), matches.end()}, .first{}, .second{}};
  if (!matches.empty()) {
    waiting.first = keypoints(pair.first);
    waiting.second = keypoints(pair.second);
  }
  waiting_.push_back(std::move(waiting));
  if (std::ssize(waiting_) >= 8 * std::int64_t{pool_.threads()}) finish(sink);
}

void OpenSfmVerifier::finish(const PairSink& sink) {
  pool_.for_ranges(std::ssize(waiting_), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      control_.check();
      Waiting& one = waiting_[static_cast<std::size_t>(i)];
      if (one.matches.empty()) continue;
      one.matches = inliers(
          verify_pair({nullptr, *one.first}, {nullptr, *one.second}, std::span<const Match>(one.matches), options_));
    }
  });
  for (const Waiting& one : waiting_) sink(one.pair, one.matches);
  control_.advance(std::ssize(waiting_));
  waiting_.clear();
}

}  // namespace twinpatch::app
