// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "candidate_writer.hpp"
#include "model_photographs.hpp"
#include "random.hpp"
#include "reprojection.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/colmap_tracks.hpp"

namespace twinpatch {

using dataset::CandidateWriter;
using dataset::Json;
using dataset::Random;

namespace {

constexpr double kMostError = 2;  // pixels of mean reprojection error; worse points say nothing
constexpr std::int64_t kNoPoint = -1;

class ColmapCandidates {
 public:
  ColmapCandidates(const CandidateOptions& options, const ReconstructedImages& images, const CandidateFinder& finder)
      : options_(options),
        given_(images),
        control_(finder.control),
        pool_(finder.pool),
        writer_(options, finder),
        model_(read_colmap_model(images.model)) {}

  CandidateSummary make();

 private:
  using Keypoints = std::vector<Keypoint>;
  void read_keypoints();
  void keep_good_points();
  [[nodiscard]] Keypoints chosen(std::uint32_t image) const;
  void add_images();
  [[nodiscard]] std::set<std::pair<std::uint32_t, std::uint32_t>> draw_pairs(
      const dataset::Reprojection& reprojection) const;
  [[nodiscard]] dataset::Carry carry(const dataset::Reprojection& reprojection, std::uint32_t from,
                                     std::uint32_t to) const;
  [[nodiscard]] Json source() const;

  const CandidateOptions& options_;
  const ReconstructedImages& given_;
  const RunControl& control_;
  ThreadPool& pool_;
  CandidateWriter writer_;
  ColmapModel model_;
  std::map<std::uint32_t, Keypoints> keypoints_;  ///< of each image, the preferred ones first
  std::vector<SeenPoint> points_;
  std::map<std::uint32_t, int> numbers_;                         ///< of the writer's images
  std::map<std::uint32_t, std::vector<std::int64_t>> point_of_;  ///< of each keypoint that is used, or kNoPoint
};

/// All keypoints, and the points that the model knows by them.
void ColmapCandidates::read_keypoints() {
  if (!given_.database.empty()) {
    auto stored = read_colmap_database(given_.database);
    points_ = points_with_database(model_, stored, given_.database.string());
    for (const auto& [id, image] : model_.images) {
      Keypoints& of_image = keypoints_[id] = std::move(stored.at(image.name));
      std::stable_sort(of_image.begin(), of_image.end(),
                       [](const Keypoint& a, const Keypoint& b) { return a.sigma > b.sigma; });
    }
    return;
  }
  control_.begin("detect", std::ssize(model_.images), "photographs");
  for (const auto& [id, image] : model_.images) {
    control_.check();
    keypoints_[id] = detect_keypoints(dataset::read_model_photograph(model_, given_.images, id),
                                      {.max_keypoints = 0, .image = image.name}, pool_);
    control_.advance(1);
  }
  control_.end();
  points_ = points_with_detections(model_, keypoints_);
}

/// Points of a small error, by one keypoint an image, in two images or more.
void ColmapCandidates::keep_good_points() {
  for (SeenPoint& point : points_) {
    std::set<std::uint32_t> images;
    std::erase_if(point.sightings, [&](const Sighting& seen) {
      const Keypoint& k = seen.keypoint;
      return !std::isfinite(k.x) || !std::isfinite(k.y) || !std::isfinite(k.angle) || !(k.sigma > 0) ||
             !std::isfinite(k.sigma) || !images.insert(seen.image).second;
    });
  }
  std::erase_if(points_,
                [](const SeenPoint& point) { return !(point.error <= kMostError) || point.sightings.size() < 2; });
}

ColmapCandidates::Keypoints ColmapCandidates::chosen(std::uint32_t image) const {
  Keypoints keypoints = keypoints_.at(image);
  const auto most = static_cast<std::size_t>(options_.max_keypoints);
  if (most > 0 && keypoints.size() > most) keypoints.resize(most);
  return keypoints;
}

void ColmapCandidates::add_images() {
  using Place = std::tuple<float, float, float, float>;
  const auto place = [](const Keypoint& k) { return Place{k.x, k.y, k.sigma, k.angle}; };
  std::map<std::uint32_t, std::map<Place, std::int64_t>> points;
  for (std::size_t p = 0; p < points_.size(); ++p)
    for (const Sighting& seen : points_[p].sightings)
      points[seen.image].emplace(place(seen.keypoint), static_cast<std::int64_t>(p));
  control_.begin("describe", std::ssize(model_.images), "photographs");
  for (const auto& [id, image] : model_.images) {
    control_.check();
    const int number =
        writer_.add_image(image.name, dataset::read_model_photograph(model_, given_.images, id), chosen(id));
    numbers_[id] = number;
    for (const Keypoint& keypoint : writer_.keypoints(number)) {
      const auto found = points[id].find(place(keypoint));
      point_of_[id].push_back(found == points[id].end() ? kNoPoint : found->second);
    }
    control_.advance(1);
  }
  control_.end();
}

std::set<std::pair<std::uint32_t, std::uint32_t>> ColmapCandidates::draw_pairs(
    const dataset::Reprojection& reprojection) const {
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (const auto& [id, image] : model_.images) {
    auto partners = reprojection.related(id);
    Random random = Random::part(options_.seed, image.name);
    random.shuffle(partners);
    if (std::ssize(partners) > given_.partners) partners.resize(static_cast<std::size_t>(given_.partners));
    for (const std::uint32_t partner : partners) pairs.emplace(std::min(id, partner), std::max(id, partner));
  }
  return pairs;
}

dataset::Carry ColmapCandidates::carry(const dataset::Reprojection& reprojection, std::uint32_t from,
                                       std::uint32_t to) const {
  return [this, &reprojection, from, to](const Keypoint& keypoint, std::int64_t index) -> std::optional<Keypoint> {
    const std::int64_t point = point_of_.at(from)[static_cast<std::size_t>(index)];
    if (point == kNoPoint) return std::nullopt;
    const auto p = static_cast<std::size_t>(point);
    if (!reprojection.sees(to, p)) return std::nullopt;
    return reprojection.carry(p, {from, keypoint}, to);
  };
}

Json ColmapCandidates::source() const {
  const auto name = [](const std::filesystem::path& path) {
    return (path.has_filename() ? path : path.parent_path()).filename().string();
  };
  Json images = Json::array();
  for (const auto& [id, image] : model_.images) images.push_back(image.name);
  return {{"kind", "colmap"},
          {"model", name(given_.model)},
          {"keypoints", given_.database.empty() ? std::string("detected again") : name(given_.database)},
          {"partners", given_.partners},
          {"points", points_.size()},
          {"inputs", images}};
}

CandidateSummary ColmapCandidates::make() {
  dataset::check_model_photographs(model_, given_.images);
  read_keypoints();
  keep_good_points();
  add_images();
  const ColmapDatasetOptions rules;  // when a point counts as seen, as in datasets of patches
  const dataset::Reprojection reprojection(model_, points_, rules);
  const auto pairs = draw_pairs(reprojection);
  control_.begin("compare", std::ssize(pairs), "pairs of images");
  for (const auto& [left, right] : pairs) {
    control_.check();
    writer_.add_pair(
        {numbers_.at(left), numbers_.at(right), carry(reprojection, left, right), carry(reprojection, right, left)});
    control_.advance(1);
  }
  control_.end();
  return writer_.finish(source());
}

}  // namespace

CandidateSummary candidates_from_colmap(const CandidateOptions& options, const ReconstructedImages& images,
                                        const CandidateFinder& finder) {
  if (images.partners < 1) throw InvalidArgument("--partners: must be at least 1");
  return ColmapCandidates(options, images, finder).make();
}

}  // namespace twinpatch
