// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "model_photographs.hpp"
#include "reprojection.hpp"
#include "sequence.hpp"
#include "similarity.hpp"
#include "source_json.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/core/file.hpp"
#include "twinpatch/dataset/sources.hpp"
#include "twinpatch/sfm/colmap_tracks.hpp"
#include "twinpatch/vision/cut_patches.hpp"

namespace twinpatch {

using dataset::Json;
using dataset::Random;

namespace {

namespace fs = std::filesystem;

constexpr double kMinDistance = 3.0;  // pixels between two points

void check(const ColmapDatasetOptions& options) {
  const auto demand = [](bool good, const char* what) {
    if (!good) throw InvalidArgument(what);
  };
  demand(options.min_track >= 2, "--min-track: must be at least 2");
  demand(options.max_error > 0, "--max-error: must be positive");
  demand(options.min_distance >= 0 && options.margin >= 0, "--min-distance and --margin must not be negative");
  demand(options.max_view_angle > 0 && options.max_view_angle < 90, "--max-view-angle: must be in (0, 90)");
  demand(options.depth_tolerance > 0, "--depth-tolerance: must be positive");
  demand(options.min_neighbours >= 1 && options.max_reprojected >= 0, "counts must not be negative");
  demand(options.database.empty() || options.tracks.empty(), "--database and --tracks: give one of the two");
  demand(!options.affine || !options.database.empty(), "--affine: needs --database, nothing else has shapes");
}

/// What one run knows: the model, its points, and how many were left out.
class ColmapDataset {
 public:
  ColmapDataset(const ColmapDatasetOptions& options, ThreadPool& pool, const RunControl& control)
      : options_(options), pool_(pool), control_(control), model_(read_colmap_model(options.model)) {}

  DatasetSummary make();

 private:
  /// A point's keypoint in the image that is being cut.
  struct Entry {
    std::size_t point;
    Keypoint keypoint;
  };
  using EntriesOfImage = std::map<std::uint32_t, std::vector<Entry>>;

  void read_points();
  void check_shapes() const;
  void leave_out_points();
  [[nodiscard]] PatchSet cut_usable(std::uint32_t id, std::vector<Entry>& entries) const;
  void add_sightings(DatasetWriter& writer);
  void add_reprojections(DatasetWriter& writer);
  [[nodiscard]] EntriesOfImage draw_reprojections() const;
  [[nodiscard]] bool looks_like(std::size_t point, const dataset::GradientHistogram& histogram) const;
  [[nodiscard]] std::string source_json() const;

  const ColmapDatasetOptions& options_;
  ThreadPool& pool_;
  const RunControl& control_;
  ColmapModel model_;
  std::vector<SeenPoint> points_;
  std::map<std::uint32_t, std::int32_t> image_numbers_;
  std::vector<std::vector<dataset::GradientHistogram>> histograms_;  ///< of each point's detected patches
  std::int64_t left_out_bad_ = 0;
  std::int64_t left_out_near_ = 0;
  std::int64_t detected_ = 0;
  std::int64_t reprojected_ = 0;
  std::int64_t refused_ = 0;
};

void ColmapDataset::read_points() {
  if (!options_.tracks.empty()) {
    points_ = parse_tracks(read_text_file(options_.tracks), options_.tracks.string(), model_);
  } else if (!options_.database.empty()) {
    points_ = points_with_database(model_, read_colmap_database(options_.database), options_.database.string());
    if (options_.affine) check_shapes();
  } else {
    std::map<std::uint32_t, std::vector<Keypoint>> detected;
    control_.begin("detect", static_cast<std::int64_t>(model_.images.size()), "photographs");
    for (const auto& [id, image] : model_.images) {
      control_.check();
      detected[id] =
          detect_keypoints(dataset::read_model_photograph(model_, options_.images, id), {.max_keypoints = 0});
      control_.advance(1);
    }
    control_.end();
    points_ = points_with_detections(model_, detected);
  }
}

/// A keypoint with a bad shape is left out like one with a bad size; without one --affine has no meaning.
void ColmapDataset::check_shapes() const {
  for (const SeenPoint& point : points_) {
    for (const Sighting& sighting : point.sightings) {
      if (sighting.keypoint.shape) continue;
      throw InvalidArgument(fmt::format("{}: --affine: keypoints of {} have no affine shape (six columns)",
                                        options_.database.string(), model_.images.at(sighting.image).name));
    }
  }
}

/// Bad points out; of several in one place (SIFT finds one place twice where two directions are strong) the one seen
/// most often stays.
void ColmapDataset::leave_out_points() {
  for (SeenPoint& point : points_) {
    std::set<std::uint32_t> images;  // a track may hold one image twice
    std::erase_if(point.sightings, [&](const Sighting& sighting) {
      const ColmapCamera& camera = model_.cameras.at(model_.images.at(sighting.image).camera);
      const Keypoint& k = sighting.keypoint;
      const bool inside =
          k.x >= 0 && k.y >= 0 && k.x <= static_cast<float>(camera.width) && k.y <= static_cast<float>(camera.height);
      return !inside || (options_.affine && !shape_fault(k).empty()) || !(k.sigma > 0) || !std::isfinite(k.sigma) ||
             !std::isfinite(k.angle) || !images.insert(sighting.image).second;
    });
  }
  const std::size_t all = points_.size();
  std::erase_if(points_, [&](const SeenPoint& point) {
    return !(point.error <= options_.max_error) || static_cast<int>(point.sightings.size()) < options_.min_track;
  });
  left_out_bad_ = static_cast<std::int64_t>(all - points_.size());
  std::stable_sort(points_.begin(), points_.end(),
                   [](const SeenPoint& a, const SeenPoint& b) { return a.sightings.size() > b.sightings.size(); });
  std::map<std::uint32_t, PlaceGrid> taken;
  std::vector<SeenPoint> kept;
  for (SeenPoint& point : points_) {
    bool free = true;
    for (const Sighting& sighting : point.sightings) {
      const double distance = std::max(kMinDistance, options_.min_distance * sighting.keypoint.sigma);
      taken.try_emplace(sighting.image, 16.0)
          .first->second.for_near(sighting.keypoint.x, sighting.keypoint.y, distance,
                                  [&](std::int64_t, double) { free = false; });
    }
    if (!free) continue;
    for (const Sighting& sighting : point.sightings) {
      taken.at(sighting.image).add(sighting.keypoint.x, sighting.keypoint.y, point.id);
    }
    kept.push_back(std::move(point));
  }
  left_out_near_ = static_cast<std::int64_t>(points_.size() - kept.size());
  points_ = std::move(kept);
  std::sort(points_.begin(), points_.end(), [](const SeenPoint& a, const SeenPoint& b) { return a.id < b.id; });
}

/// Patches of a photograph at those of the entries that are usable; the others are taken out.
PatchSet ColmapDataset::cut_usable(std::uint32_t id, std::vector<Entry>& entries) const {
  const GrayImage image = dataset::read_model_photograph(model_, options_.images, id);
  std::erase_if(entries, [&](const Entry& entry) {
    return !dataset::is_usable(entry.keypoint, image, options_.dataset.extent, options_.margin, options_.min_sigma) ||
           (options_.affine && !shape_fault(entry.keypoint).empty());  // a reprojection's, of a surface seen aslant
  });
  std::vector<Keypoint> keypoints;
  keypoints.reserve(entries.size());
  for (const Entry& entry : entries) keypoints.push_back(entry.keypoint);
  const CutOptions cut_options{
      .side = 64, .extent = options_.dataset.extent, .upright = options_.dataset.upright, .affine = options_.affine};
  return cut_patches(image, keypoints, cut_options, pool_);
}

void ColmapDataset::add_sightings(DatasetWriter& writer) {
  EntriesOfImage entries;
  for (std::size_t p = 0; p < points_.size(); ++p) {
    for (const Sighting& sighting : points_[p].sightings) entries[sighting.image].push_back({p, sighting.keypoint});
  }
  histograms_.resize(points_.size());
  control_.begin("cut", static_cast<std::int64_t>(entries.size()), "photographs");
  for (auto& [id, of_image] : entries) {
    control_.check();
    const PatchSet patches = cut_usable(id, of_image);
    std::vector<PatchRecord> records;
    for (const Entry& entry : of_image) {
      records.push_back({static_cast<std::int64_t>(entry.point), image_numbers_.at(id), entry.keypoint});
    }
    writer.add(records, patches.view());
    detected_ += patches.size();
    if (options_.reproject) {
      const auto histograms = dataset::gradient_histograms(patches.view(), pool_);
      for (std::size_t i = 0; i < of_image.size(); ++i) histograms_[of_image[i].point].push_back(histograms[i]);
    }
    control_.advance(1);
  }
  control_.end();
}

/// Where points might be seen beside their tracks; twice as many of each as are wanted, since some will be refused.
ColmapDataset::EntriesOfImage ColmapDataset::draw_reprojections() const {
  const dataset::Reprojection reprojection(model_, points_, options_);
  Random random = Random::part(options_.dataset.seed, "reprojections");
  EntriesOfImage entries;
  for (std::size_t p = 0; p < points_.size(); ++p) {
    std::vector<Sighting> candidates = reprojection.candidates(p);
    random.shuffle(candidates);
    const auto most = 2 * static_cast<std::size_t>(options_.max_reprojected);
    if (candidates.size() > most) candidates.resize(most);
    for (const Sighting& sighting : candidates) {
      entries[sighting.image].push_back({p, dataset::with_noise(sighting.keypoint, options_.noise, random)});
    }
  }
  return entries;
}

bool ColmapDataset::looks_like(std::size_t point, const dataset::GradientHistogram& histogram) const {
  return std::any_of(histograms_[point].begin(), histograms_[point].end(), [&](const auto& detected) {
    return dataset::similarity(detected, histogram) >= static_cast<float>(options_.min_similarity);
  });
}

void ColmapDataset::add_reprojections(DatasetWriter& writer) {
  EntriesOfImage entries = draw_reprojections();
  std::vector<int> added(points_.size(), 0);
  control_.begin("reproject", static_cast<std::int64_t>(entries.size()), "photographs");
  for (auto& [id, of_image] : entries) {
    control_.check();
    const PatchSet patches = cut_usable(id, of_image);
    const auto histograms = dataset::gradient_histograms(patches.view(), pool_);
    for (std::size_t i = 0; i < of_image.size(); ++i) {
      const std::size_t point = of_image[i].point;
      if (added[point] >= options_.max_reprojected) continue;
      if (!looks_like(point, histograms[i])) {
        ++refused_;
        continue;
      }
      const PatchRecord record{static_cast<std::int64_t>(point), image_numbers_.at(id), of_image[i].keypoint};
      writer.add(std::span(&record, 1), patches.view().slice(static_cast<std::int64_t>(i), 1));
      ++added[point];
      ++reprojected_;
    }
    control_.advance(1);
  }
  control_.end();
}

std::string ColmapDataset::source_json() const {
  const ColmapDatasetOptions& o = options_;
  const auto name = [](const fs::path& path) {
    return (path.has_filename() ? path : path.parent_path()).filename().string();
  };
  Json images = Json::array();
  for (const auto& [id, image] : model_.images) {
    const ColmapCamera& camera = model_.cameras.at(image.camera);
    images.push_back({{"name", image.name}, {"width", camera.width}, {"height", camera.height}});
  }
  Json source{{"kind", "colmap"},
              {"model", name(o.model)},
              {"keypoints", !o.tracks.empty()     ? name(o.tracks)
                            : !o.database.empty() ? name(o.database)
                                                  : std::string("detected again")},
              {"colmap_options",
               {{"min_track", o.min_track},
                {"max_error", o.max_error},
                {"min_distance", o.min_distance},
                {"margin", o.margin},
                {"min_sigma", o.min_sigma},
                {"reproject", o.reproject},
                {"max_view_angle_degrees", o.max_view_angle},
                {"depth_tolerance", o.depth_tolerance},
                {"min_neighbours", o.min_neighbours},
                {"min_similarity", o.min_similarity},
                {"max_reprojected", o.max_reprojected},
                {"noise_of_reprojected", dataset::to_json(o.noise)}}},
              {"counts",
               {{"model_points", model_.points.size()},
                {"left_out_bad_points", left_out_bad_},
                {"left_out_points_near_others", left_out_near_},
                {"detected_patches", detected_},
                {"reprojected_patches", reprojected_},
                {"refused_reprojections", refused_}}},
              {"inputs", images}};
  if (o.affine) source["colmap_options"]["affine"] = true;
  return source.dump(-1, ' ', false, Json::error_handler_t::replace);
}

DatasetSummary ColmapDataset::make() {
  dataset::check_model_photographs(model_, options_.images);
  DatasetWriter writer(options_.dataset);
  for (const auto& [id, image] : model_.images) image_numbers_[id] = writer.add_image(image.name);
  read_points();
  leave_out_points();
  add_sightings(writer);
  if (options_.reproject && options_.max_reprojected > 0) add_reprojections(writer);
  return writer.finish(source_json(), pool_, control_);
}

}  // namespace

DatasetSummary dataset_from_colmap(const ColmapDatasetOptions& options, ThreadPool& pool, const RunControl& control) {
  check(options);
  return ColmapDataset(options, pool, control).make();
}

}  // namespace twinpatch
