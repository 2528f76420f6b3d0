// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_database.hpp"

#include <fmt/format.h>

#include <cstring>
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

}  // namespace twinpatch
