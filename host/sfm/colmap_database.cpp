// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>

#include "colmap_blobs.hpp"
#include "colmap_tables.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {

using sfm::Connection;
using sfm::Statement;

namespace {

constexpr std::chrono::milliseconds kPatience{30'000};

sfm::ColmapArray array_of(const Statement& row, const Connection& connection, std::string what) {
  return {row.integer(0), row.integer(1), row.blob(2), connection.path(), std::move(what)};
}

/// The id of an image in the first column.
ColmapImageId image_of(const Statement& row, const Connection& connection, const char* table) {
  const std::int64_t id = row.integer(0);
  if (id > 0 && id < std::numeric_limits<std::int32_t>::max()) return static_cast<ColmapImageId>(id);
  throw FormatError(connection.path(), -1, fmt::format("{}: {} is no id of an image", table, id));
}

}  // namespace

struct ColmapDatabase::State {
  State(const std::filesystem::path& file, std::stop_token stop)
      : path(file), connection(file, sfm::Access::read, kPatience, std::move(stop)) {
    sfm::require_columns(connection, "images", {"image_id", "name", "camera_id"});
    sfm::require_columns(connection, "keypoints", {"image_id", "rows", "cols", "data"});
    schema = sfm::find_schema(connection);
  }

  std::filesystem::path path;
  Connection connection;
  ColmapSchema schema = ColmapSchema::v3_8;
  std::mutex mutex;  ///< guards the connection
};

ColmapDatabase::ColmapDatabase(const std::filesystem::path& path, std::stop_token stop)
    : state_(std::make_unique<State>(path, std::move(stop))) {}
ColmapDatabase::~ColmapDatabase() = default;
ColmapDatabase::ColmapDatabase(ColmapDatabase&&) noexcept = default;
ColmapDatabase& ColmapDatabase::operator=(ColmapDatabase&&) noexcept = default;

const std::filesystem::path& ColmapDatabase::path() const noexcept { return state_->path; }
ColmapSchema ColmapDatabase::schema() const noexcept { return state_->schema; }

std::vector<ColmapImageRow> ColmapDatabase::images() const {
  const std::lock_guard lock(state_->mutex);
  return sfm::read_images(state_->connection);
}

std::map<std::uint32_t, ColmapCameraRow> ColmapDatabase::cameras() const {
  const std::lock_guard lock(state_->mutex);
  sfm::require_columns(state_->connection, "cameras",
                       {"camera_id", "model", "width", "height", "params", "prior_focal_length"});
  Statement query(state_->connection,
                  "SELECT camera_id, model, width, height, params, prior_focal_length FROM cameras");
  std::map<std::uint32_t, ColmapCameraRow> cameras;
  while (query.step()) {
    const auto id = static_cast<std::uint32_t>(query.integer(0));
    ColmapCameraRow& row = cameras[id];
    row.camera.model = static_cast<CameraModel>(query.integer(1));
    row.camera.width = query.integer(2);
    row.camera.height = query.integer(3);
    row.has_prior_focal_length = query.integer(5) != 0;
    const auto bytes = query.blob(4);
    if (bytes.size() % sizeof(double) != 0) {
      throw FormatError(state_->connection.path(), -1, fmt::format("camera {}: {} bytes of params", id, bytes.size()));
    }
    row.camera.parameters.resize(bytes.size() / sizeof(double));
    if (!bytes.empty()) std::memcpy(row.camera.parameters.data(), bytes.data(), bytes.size());
  }
  return cameras;
}

std::vector<Keypoint> ColmapDatabase::keypoints(ColmapImageId image, std::optional<float> sigma) const {
  const std::lock_guard lock(state_->mutex);
  Statement query(state_->connection,
                  "SELECT keypoints.rows, keypoints.cols, keypoints.data, images.name FROM keypoints "
                  "JOIN images ON images.image_id = keypoints.image_id WHERE keypoints.image_id = ?");
  query.bind(1, static_cast<std::int64_t>(image));
  if (!query.step()) return {};
  return sfm::decode_keypoints(array_of(query, state_->connection, fmt::format("keypoints of {}", query.text(3))),
                               sigma);
}

bool ColmapDatabase::has_scales(ColmapImageId image) const {
  constexpr float kNone = -1;
  const auto found = keypoints(image, kNone);
  return found.empty() || found.front().sigma != kNone;
}

std::optional<std::vector<IndexPair>> ColmapDatabase::matches(ColmapImageId a, ColmapImageId b) const {
  const std::int64_t pair_id = colmap_pair_id(a, b);
  const std::lock_guard lock(state_->mutex);
  sfm::require_columns(state_->connection, "matches", {"pair_id", "rows", "cols", "data"});
  Statement query(state_->connection, "SELECT rows, cols, data FROM matches WHERE pair_id = ?");
  query.bind(1, pair_id);
  if (!query.step()) return std::nullopt;
  auto matches = sfm::decode_matches(array_of(query, state_->connection, fmt::format("matches of pair {}", pair_id)));
  if (b < a) {
    for (IndexPair& match : matches) std::swap(match.left, match.right);
  }
  return matches;
}

std::vector<ColmapPosition> ColmapDatabase::positions() const {
  const std::lock_guard lock(state_->mutex);
  const auto columns = state_->connection.columns("pose_priors");
  if (columns.empty()) return {};
  sfm::require_columns(state_->connection, "pose_priors", {"position", "coordinate_system"});
  // From 4.0 on a prior belongs to any datum of a sensor; sensors of type 0 are cameras, their data images.
  const bool of_sensors = columns.contains("corr_data_id");
  if (!of_sensors) sfm::require_columns(state_->connection, "pose_priors", {"image_id"});
  Statement query(state_->connection,
                  of_sensors ? "SELECT corr_data_id, position, coordinate_system FROM pose_priors "
                               "WHERE corr_sensor_type = 0 ORDER BY corr_data_id"
                             : "SELECT image_id, position, coordinate_system FROM pose_priors ORDER BY image_id");
  std::vector<ColmapPosition> positions;
  while (query.step()) {
    if (query.is_null(1)) continue;
    ColmapPosition prior{.image = image_of(query, state_->connection, "pose_priors")};
    const auto bytes = query.blob(1);
    if (bytes.size() != sizeof(prior.position)) {
      throw FormatError(state_->connection.path(), -1,
                        fmt::format("pose prior of image {}: {} bytes of position, expected {}", query.integer(0),
                                    bytes.size(), sizeof(prior.position)));
    }
    std::memcpy(prior.position.data(), bytes.data(), bytes.size());
    if (!std::ranges::all_of(prior.position, [](double value) { return std::isfinite(value); })) continue;
    const std::int64_t system = query.integer(2);
    if (system < -1 || system > 1) {
      throw FormatError(state_->connection.path(), -1,
                        fmt::format("pose prior of image {}: unknown coordinate system {}", query.integer(0), system));
    }
    prior.coordinates = static_cast<ColmapCoordinates>(system);
    positions.push_back(prior);
  }
  return positions;
}

std::map<ColmapImageId, std::int64_t> ColmapDatabase::frames() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->connection.columns("frame_data").empty()) return {};
  sfm::require_columns(state_->connection, "frame_data", {"frame_id", "data_id", "sensor_type"});
  Statement query(state_->connection, "SELECT data_id, frame_id FROM frame_data WHERE sensor_type = 0");
  std::map<ColmapImageId, std::int64_t> frames;
  while (query.step()) frames.emplace(image_of(query, state_->connection, "frame_data"), query.integer(1));
  return frames;
}

std::vector<ColmapRigCamera> ColmapDatabase::uncalibrated_cameras() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->connection.columns("rig_sensors").empty()) return {};
  sfm::require_columns(state_->connection, "rig_sensors", {"rig_id", "sensor_id", "sensor_type", "sensor_from_rig"});
  Statement query(state_->connection,
                  "SELECT rig_id, sensor_id FROM rig_sensors WHERE sensor_type = 0 AND sensor_from_rig IS NULL "
                  "ORDER BY rig_id, sensor_id");
  std::vector<ColmapRigCamera> cameras;
  while (query.step()) cameras.push_back({query.integer(0), query.integer(1)});
  return cameras;
}

std::vector<ColmapPair> ColmapDatabase::verified_pairs(std::int64_t min_inliers) const {
  const std::lock_guard lock(state_->mutex);
  sfm::require_columns(state_->connection, "two_view_geometries", {"pair_id", "rows"});
  Statement query(state_->connection, "SELECT pair_id FROM two_view_geometries WHERE rows >= ? ORDER BY pair_id");
  query.bind(1, min_inliers);
  std::vector<ColmapPair> pairs;
  while (query.step()) {
    try {
      pairs.push_back(colmap_pair(query.integer(0)));
    } catch (const InvalidArgument& error) {
      throw FormatError(state_->connection.path(), -1, fmt::format("two_view_geometries: {}", error.what()));
    }
  }
  return pairs;
}

namespace {

/// A column of nine numbers; nothing for NULL, and for zeros, which old releases of COLMAP wrote in its place.
std::optional<std::array<double, 9>> matrix_in(const Statement& row, int column, const std::string& what,
                                               const Connection& connection) {
  std::array<double, 9> matrix{};
  if (row.is_null(column)) return std::nullopt;
  const auto bytes = row.blob(column);
  if (bytes.empty()) return std::nullopt;
  if (bytes.size() != sizeof(matrix)) {
    throw FormatError(connection.path(), -1,
                      fmt::format("{}: a matrix of {} bytes, expected {}", what, bytes.size(), sizeof(matrix)));
  }
  std::memcpy(matrix.data(), bytes.data(), bytes.size());
  if (std::ranges::all_of(matrix, [](double value) { return value == 0; })) return std::nullopt;
  return matrix;
}

/// Nothing for configurations that have no geometry of their own.
std::optional<ColmapConfig> config_of(std::int64_t stored) {
  switch (stored) {
    case 2:
      return ColmapConfig::calibrated;
    case 3:
      return ColmapConfig::uncalibrated;
    case 4:
    case 5:
    case 6:
      return ColmapConfig::planar_or_panoramic;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::map<ColmapPair, ColmapGeometry> ColmapDatabase::geometries() const {
  std::map<ColmapImageId, ColmapImageRow> images;
  for (const ColmapImageRow& row : this->images()) images.emplace(row.id, row);
  const std::lock_guard lock(state_->mutex);
  const Connection& connection = state_->connection;
  sfm::require_columns(connection, "two_view_geometries", {"pair_id", "rows", "cols", "data", "config", "F", "E", "H"});
  Statement query(connection,
                  "SELECT rows, cols, data, pair_id, config, F, E, H FROM two_view_geometries WHERE rows > 0 "
                  "ORDER BY pair_id");
  std::map<ColmapPair, ColmapGeometry> geometries;
  while (query.step()) {
    const auto config = config_of(query.integer(4));
    if (!config) continue;
    ColmapPair pair;
    try {
      pair = colmap_pair(query.integer(3));
    } catch (const InvalidArgument& error) {
      throw FormatError(connection.path(), -1, fmt::format("two_view_geometries: {}", error.what()));
    }
    const auto first = images.find(pair.first);
    const auto second = images.find(pair.second);
    if (first == images.end() || second == images.end()) continue;
    const std::string what = fmt::format("geometry of {} and {}", first->second.name, second->second.name);
    for (const IndexPair& inlier : sfm::decode_matches(array_of(query, connection, what))) {
      const bool left_is_wrong = inlier.left >= first->second.keypoints;
      if (!left_is_wrong && inlier.right < second->second.keypoints) continue;
      throw FormatError(connection.path(), -1,
                        fmt::format("{}: keypoint {} of {}, which has {}: it belongs to other images", what,
                                    left_is_wrong ? inlier.left : inlier.right,
                                    left_is_wrong ? first->second.name : second->second.name,
                                    left_is_wrong ? first->second.keypoints : second->second.keypoints));
    }
    geometries.emplace(pair, ColmapGeometry{*config,
                                            {},
                                            matrix_in(query, 5, what, connection),
                                            matrix_in(query, 6, what, connection),
                                            matrix_in(query, 7, what, connection)});
  }
  return geometries;
}

}  // namespace twinpatch
