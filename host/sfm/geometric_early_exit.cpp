// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/geometric_early_exit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "twinpatch/core/error.hpp"
#include "twinpatch/core/thread_pool.hpp"

namespace twinpatch {
namespace {

/// A partner whose geometry is to be estimated.
struct Candidate {
  std::size_t partner = 0;
  std::vector<Keypoint> keypoints{};
  const ColmapCameraRow* camera = nullptr;
  bool agrees = false;
};

class GeometricEarlyExit final : public EarlyExit {
 public:
  GeometricEarlyExit(GuideSource source, const EarlyExitOptions& options)
      : source_(std::move(source)), options_(options), pool_(options.threads) {
    if (options.sample.size <= options.estimation.min_inliers) {
      throw InvalidArgument(fmt::format("a sample of {} keypoints cannot have more than {} matches that agree",
                                        options.sample.size, options.estimation.min_inliers));
    }
  }

  std::string rule() const override {
    return fmt::format(
        "without pairs where of {} sampled keypoints (seed {}) fewer than {} matches, or {} of them, agree within {} "
        "px",
        options_.sample.size, options_.sample.seed, options_.estimation.min_inliers, options_.min_inlier_share,
        options_.estimation.max_error);
  }

  KeypointSample sample() const override { return options_.sample; }

  std::vector<bool> keeps(const GuidedImage& first, std::span<const GuidedPartner> partners) const override {
    std::vector<bool> kept(partners.size());
    std::vector<Candidate> candidates;
    for (std::size_t n = 0; n < partners.size(); ++n) {
      if (std::ssize(partners[n].matches) >= options_.estimation.min_inliers) candidates.push_back({n});
    }
    if (candidates.empty()) return kept;
    // Keypoints may have to be read from a file: only those that are needed, and of a few partners at once.
    const std::vector<Keypoint> keypoints = source_.matched_keypoints(first);
    const ColmapView view{camera(first.name), keypoints};
    for (std::size_t begin = 0; begin < candidates.size(); begin += kAtOnce) {
      const auto some = std::span(candidates).subspan(begin, std::min(kAtOnce, candidates.size() - begin));
      for (Candidate& candidate : some) {
        const GuidedImage& image = partners[candidate.partner].image;
        candidate.keypoints = source_.matched_keypoints(image);
        candidate.camera = camera(image.name);
      }
      pool_.for_ranges(std::ssize(some), 1, [&](std::int64_t from, std::int64_t to, int) {
        for (std::int64_t n = from; n < to; ++n) {
          Candidate& candidate = some[static_cast<std::size_t>(n)];
          candidate.agrees = agree(view, {candidate.camera, candidate.keypoints}, partners[candidate.partner].matches);
          candidate.keypoints = {};
        }
      });
    }
    for (const Candidate& candidate : candidates) kept[candidate.partner] = candidate.agrees;
    return kept;
  }

 private:
  static constexpr std::size_t kAtOnce = 16;

  const ColmapCameraRow* camera(const std::string& name) const {
    return source_.camera ? source_.camera(name) : nullptr;
  }
  bool agree(const ColmapView& first, const ColmapView& second, std::span<const Match> matches) const {
    const ColmapGeometry geometry = verify_pair(first, second, matches, options_.estimation);
    return geometry.config != ColmapConfig::degenerate &&
           static_cast<double>(geometry.inliers.size()) >=
               options_.min_inlier_share * static_cast<double>(matches.size());
  }

  GuideSource source_;
  EarlyExitOptions options_;
  mutable ThreadPool pool_;
};

}  // namespace

std::unique_ptr<EarlyExit> make_geometric_early_exit(GuideSource source, const EarlyExitOptions& options) {
  return std::make_unique<GeometricEarlyExit>(std::move(source), options);
}

}  // namespace twinpatch
