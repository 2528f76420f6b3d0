// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/epipolar_guide.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "colmap_lens.hpp"
#include "twinpatch/collection/image_source.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/thread_pool.hpp"
#include "twinpatch/sfm/pair_geometry.hpp"

namespace twinpatch {
namespace {

/// Keypoints that are matched, as pixels.
struct View {
  const ColmapCameraRow* camera = nullptr;
  const KnownPose* pose = nullptr;
  std::vector<Keypoint> keypoints{};
};

std::vector<Vector2> pixels_of(const View& view) {
  std::vector<Vector2> points;
  points.reserve(view.keypoints.size());
  for (const Keypoint& keypoint : view.keypoints) points.push_back({keypoint.x, keypoint.y});
  return points;
}

/// Without the lens's distortion and with the origin at the principal point: f x/z, f y/z.
std::vector<Vector2> ideal_pixels_of(const View& view, const ColmapCamera& camera) {
  std::vector<cv::Point2d> pixels;
  for (const Keypoint& keypoint : view.keypoints) pixels.emplace_back(keypoint.x, keypoint.y);
  const double focal = sfm::focal_length(camera);
  const auto directions = sfm::normalise(camera, pixels);
  if (!directions) throw InvalidArgument("the lens of a camera that guides matches has no inverse");
  std::vector<Vector2> points;
  for (const cv::Point2d& point : *directions) points.push_back({focal * point.x, focal * point.y});
  return points;
}

bool can_undistort(const ColmapCamera& camera) { return sfm::focal_length(camera) > 0; }

/// An essential matrix on ideal pixels.
PairGeometry fundamental_of(const std::array<double, 9>& essential, double first_focal, double second_focal) {
  PairGeometry geometry{PairGeometry::Kind::fundamental, essential};
  const std::array<double, 3> columns{1 / first_focal, 1 / first_focal, 1};
  const std::array<double, 3> rows{1 / second_focal, 1 / second_focal, 1};
  for (std::size_t i = 0; i < 9; ++i) geometry.matrix[i] *= rows[i / 3] * columns[i % 3];
  return geometry;
}

/// By which coordinates a geometry of two images is meant.
struct PlacedGeometry {
  PairGeometry geometry;
  bool ideal = false;
  float least_score = -std::numeric_limits<float>::infinity();  ///< PairGuidance::least_score
};

std::optional<PlacedGeometry> placed(const ColmapGeometry& found, const View& first, const View& second) {
  const auto has_lens = [](const View& view) { return view.camera != nullptr && can_undistort(view.camera->camera); };
  if (found.config == ColmapConfig::calibrated && found.essential && has_lens(first) && has_lens(second)) {
    return PlacedGeometry{fundamental_of(*found.essential, sfm::focal_length(first.camera->camera),
                                         sfm::focal_length(second.camera->camera)),
                          true};
  }
  const auto geometry = geometry_of(found);
  return geometry ? std::optional(PlacedGeometry{*geometry}) : std::nullopt;
}

/// The least score of the matches that agree, but for one in a hundred.
float least_score(std::span<const Match> found, std::span<const IndexPair> agreeing) {
  constexpr std::size_t kLeftOut = 100;
  std::vector<float> scores;
  for (const Match& match : found) {
    const auto key = [](const IndexPair& pair) { return std::pair(pair.left, pair.right); };
    if (std::ranges::binary_search(agreeing, std::pair(match.left, match.right), {}, key))
      scores.push_back(match.score);
  }
  if (scores.empty()) return -std::numeric_limits<float>::infinity();
  const auto least = scores.begin() + static_cast<std::ptrdiff_t>(scores.size() / kLeftOut);
  std::ranges::nth_element(scores, least);
  return *least;
}

/// Of the second image's points to the first's.
PairGeometry reversed(const PairGeometry& geometry) {
  const auto& m = geometry.matrix;
  if (geometry.kind == PairGeometry::Kind::fundamental) {
    return {geometry.kind, {m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]}};
  }
  return {geometry.kind,  // the inverse, but for a factor
          {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],  //
           m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],  //
           m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]}};
}

/// Known geometry comes from a file. Ideal pixels and pixels alike are about a thousand.
std::optional<PlacedGeometry> checked(std::optional<PlacedGeometry> known, const std::string& first,
                                      const std::string& second) {
  constexpr double kExtent = 1000;
  try {
    if (known) check_geometry(known->geometry, kExtent);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("known geometry of {} and {}: {}", first, second, error.what()));
  }
  return known;
}

class EpipolarGuide final : public MatchGuide {
 public:
  EpipolarGuide(GuideSource source, const GuideOptions& options, KnownGeometry known)
      : source_(std::move(source)), options_(options), known_(std::move(known)), pool_(options.threads) {
    if (!(options.least_share >= 0 && options.least_share <= 1)) {
      throw InvalidArgument(
          fmt::format("the share of matches that agree must be in [0, 1], found {}", options.least_share));
    }
    if (!(options.pixels > 0) || !std::isfinite(options.pixels)) {
      throw InvalidArgument(
          fmt::format("the band of a guided match must be wider than 0 pixels, found {}", options.pixels));
    }
    std::erase_if(known_.poses, [](const auto& entry) { return !can_undistort(entry.second.camera); });
    std::erase_if(known_.pairs, [&](const auto& entry) {
      const auto camera = [&](const std::string& name) {
        return View{source_.camera ? source_.camera(name) : nullptr};
      };
      return !placed(entry.second, camera(entry.first.first), camera(entry.first.second));
    });
  }

  std::string rule() const override {
    return fmt::format(
        "guided by {} within {} px (estimated within {} px from at least {} matches and {} of all, by E from {} of "
        "F's)",
        known_.name.empty() ? "matches" : known_.name, options_.pixels, options_.estimation.max_error,
        options_.estimation.min_inliers, options_.least_share, options_.least_essential_share);
  }

  bool needs_matches(const std::string& first, const std::string& second) const override {
    if (known_.poses.contains(first) && known_.poses.contains(second)) return false;
    return !known_.pairs.contains({first, second}) && !known_.pairs.contains({second, first});
  }

  std::vector<std::optional<PairGuidance>> guide(const GuidedImage& first,
                                                 std::span<const GuidedPartner> partners) const override {
    const View left = view_of(first);
    std::vector<View> rights;
    for (const GuidedPartner& partner : partners) rights.push_back(view_of(partner.image));
    std::vector<std::optional<PairGuidance>> result(partners.size());
    pool_.for_ranges(std::ssize(partners), 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
        result[n] = guidance_of({first.name, left}, {partners[n].image.name, rights[n]}, partners[n].matches);
      }
    });
    return result;
  }

 private:
  struct NamedView {
    const std::string& name;
    const View& view;
  };

  View view_of(const GuidedImage& image) const {
    View view{.keypoints = source_.matched_keypoints(image)};
    if (source_.camera) view.camera = source_.camera(image.name);
    if (const auto pose = known_.poses.find(image.name); pose != known_.poses.end()) view.pose = &pose->second;
    return view;
  }

  std::optional<PairGuidance> guidance_of(const NamedView& first, const NamedView& second,
                                          std::span<const Match> found) const {
    const View& left = first.view;
    const View& right = second.view;
    if (left.pose != nullptr && right.pose != nullptr) {
      const PairGeometry geometry = geometry_of_poses(left.pose->image, sfm::focal_length(left.pose->camera),
                                                      right.pose->image, sfm::focal_length(right.pose->camera));
      return PairGuidance{
          within(geometry, ideal_pixels_of(left, left.pose->camera), ideal_pixels_of(right, right.pose->camera))};
    }
    const auto geometry = geometry_of(first, second, found);
    if (!geometry) return std::nullopt;
    return PairGuidance{geometry->ideal ? within(geometry->geometry, ideal_pixels_of(left, left.camera->camera),
                                                 ideal_pixels_of(right, right.camera->camera))
                                        : within(geometry->geometry, pixels_of(left), pixels_of(right)),
                        geometry->least_score};
  }

  GridMask within(const PairGeometry& geometry, const std::vector<Vector2>& left,
                  const std::vector<Vector2>& right) const {
    const bool disc = geometry.kind == PairGeometry::Kind::homography;
    return geometry_mask(geometry, left, right, options_.pixels * (disc ? std::numbers::sqrt2 : 1));
  }

  std::optional<PlacedGeometry> geometry_of(const NamedView& first, const NamedView& second,
                                            std::span<const Match> found) const {
    if (const auto known = known_.pairs.find({first.name, second.name}); known != known_.pairs.end()) {
      return checked(placed(known->second, first.view, second.view), first.name, second.name);
    }
    if (const auto known = known_.pairs.find({second.name, first.name}); known != known_.pairs.end()) {
      auto backwards = checked(placed(known->second, second.view, first.view), second.name, first.name);
      if (backwards) backwards->geometry = reversed(backwards->geometry);
      return backwards;
    }
    return estimated(first.view, second.view, found);
  }

  /// What the first pass's matches say of a pair, where enough of them agree.
  std::optional<PlacedGeometry> estimated(const View& first, const View& second, std::span<const Match> found) const {
    ColmapGeometry geometry =
        verify_pair({first.camera, first.keypoints}, {second.camera, second.keypoints}, found, options_.estimation);
    if (geometry.config != ColmapConfig::calibrated && geometry.config != ColmapConfig::uncalibrated) {
      return placed(geometry, first, second);
    }
    const bool essential = geometry.essential_inliers >= options_.estimation.min_inliers &&
                           geometry.essential_inliers >= options_.least_essential_share * geometry.fundamental_inliers;
    const int agree = essential ? geometry.essential_inliers : geometry.fundamental_inliers;
    if (agree < options_.least_share * static_cast<double>(found.size())) return std::nullopt;
    geometry.config = essential ? ColmapConfig::calibrated : ColmapConfig::uncalibrated;
    auto result = placed(geometry, first, second);
    if (result) result->least_score = least_score(found, geometry.inliers);
    return result;
  }

  GuideSource source_;
  GuideOptions options_;
  KnownGeometry known_;
  mutable ThreadPool pool_;
};

}  // namespace

std::vector<Keypoint> GuideSource::matched_keypoints(const GuidedImage& image) const {
  std::vector<Keypoint> all = keypoints(image.name);
  if (!image.numbers) return all;
  std::vector<Keypoint> some;
  for (const std::int32_t number : *image.numbers) some.push_back(all.at(static_cast<std::size_t>(number)));
  return some;
}

KnownGeometry known_poses(const std::filesystem::path& model) {
  ColmapModel read = read_colmap_model(model);
  KnownGeometry known;
  std::vector<double> values;
  for (auto& [id, image] : read.images) {
    const ColmapCamera& camera = read.cameras.at(image.camera);
    const std::size_t first = values.size();
    values.insert(values.end(), image.rotation.begin(), image.rotation.end());
    values.insert(values.end(), image.translation.begin(), image.translation.end());
    values.insert(values.end(), camera.parameters.begin(), camera.parameters.end());
    const auto bad = std::find_if(values.begin() + static_cast<std::ptrdiff_t>(first), values.end(),
                                  [](double value) { return !std::isfinite(value); });
    if (bad != values.end()) {
      throw InvalidArgument(fmt::format("{}: the pose or camera of image {} has a number that is not finite ({})",
                                        model.string(), image.name, *bad));
    }
    image.keypoints.clear();
    std::string name = image.name;
    known.poses.emplace(std::move(name), KnownPose{std::move(image), camera});
  }
  std::string names;
  for (const auto& [name, pose] : known.poses) names += name + '\n';
  known.name = fmt::format("poses {}{}", content_hash(std::as_bytes(std::span(values))).substr(0, 8),
                           content_hash(std::as_bytes(std::span(names))).substr(0, 8));
  return known;
}

std::unique_ptr<MatchGuide> make_epipolar_guide(GuideSource source, const GuideOptions& options, KnownGeometry known) {
  return std::make_unique<EpipolarGuide>(std::move(source), options, std::move(known));
}

}  // namespace twinpatch
