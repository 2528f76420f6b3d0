// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "sfm/colmap_fixtures.hpp"

#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "support/random.hpp"

namespace twinpatch::test {
namespace {

// The tables as COLMAP's Database::Create…Table makes them, release by release.

constexpr const char* kCameras =
    "CREATE TABLE cameras (camera_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model INTEGER NOT NULL, "
    "width INTEGER NOT NULL, height INTEGER NOT NULL, params BLOB, prior_focal_length INTEGER NOT NULL);";
constexpr const char* kImagesWithPriors =
    "CREATE TABLE images (image_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL UNIQUE, "
    "camera_id INTEGER NOT NULL, prior_qw REAL, prior_qx REAL, prior_qy REAL, prior_qz REAL, prior_tx REAL, "
    "prior_ty REAL, prior_tz REAL, CONSTRAINT image_id_check CHECK(image_id >= 0 and image_id < 2147483647), "
    "FOREIGN KEY(camera_id) REFERENCES cameras(camera_id));"
    "CREATE UNIQUE INDEX index_name ON images(name);";
constexpr const char* kImages =
    "CREATE TABLE images (image_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL UNIQUE, "
    "camera_id INTEGER NOT NULL, CONSTRAINT image_id_check CHECK(image_id >= 0 and image_id < 2147483647), "
    "FOREIGN KEY(camera_id) REFERENCES cameras(camera_id));"
    "CREATE UNIQUE INDEX index_name ON images(name);";
constexpr const char* kKeypoints =
    "CREATE TABLE keypoints (image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, "
    "data BLOB, FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);";
constexpr const char* kDescriptors =
    "CREATE TABLE descriptors (image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, "
    "data BLOB, FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);";
constexpr const char* kTypedDescriptors =
    "CREATE TABLE descriptors (image_id INTEGER PRIMARY KEY NOT NULL, type INTEGER NOT NULL, rows INTEGER NOT NULL, "
    "cols INTEGER NOT NULL, data BLOB, FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);";
constexpr const char* kMatches =
    "CREATE TABLE matches (pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL, "
    "data BLOB);";
constexpr const char* kGeometries =
    "CREATE TABLE two_view_geometries (pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, "
    "cols INTEGER NOT NULL, data BLOB, config INTEGER NOT NULL, F BLOB, E BLOB, H BLOB, qvec BLOB, tvec BLOB);";
constexpr const char* kGeometriesWithCameras =
    "CREATE TABLE two_view_geometries (pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, "
    "cols INTEGER NOT NULL, data BLOB, config INTEGER NOT NULL, F BLOB, E BLOB, H BLOB, qvec BLOB, tvec BLOB, "
    "camera1 BLOB, camera2 BLOB);";
constexpr const char* kPriorsOf310 =
    "CREATE TABLE pose_priors (image_id INTEGER PRIMARY KEY NOT NULL, position BLOB, coordinate_system INTEGER "
    "NOT NULL, FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);";
constexpr const char* kPriorsOf311 =
    "CREATE TABLE pose_priors (image_id INTEGER PRIMARY KEY NOT NULL, position BLOB, coordinate_system INTEGER "
    "NOT NULL, position_covariance BLOB, FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);";
constexpr const char* kPriorsOf40 =
    "CREATE TABLE pose_priors (pose_prior_id INTEGER PRIMARY KEY NOT NULL, corr_data_id INTEGER NOT NULL, "
    "corr_sensor_id INTEGER NOT NULL, corr_sensor_type INTEGER NOT NULL, position BLOB, position_covariance BLOB, "
    "gravity BLOB, coordinate_system INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX pose_prior_data_assignment ON pose_priors(corr_data_id, corr_sensor_id, corr_sensor_type);";
constexpr const char* kRigs =
    "CREATE TABLE rigs (rig_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, ref_sensor_id INTEGER NOT NULL, "
    "ref_sensor_type INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX rig_assignment ON rigs(ref_sensor_id, ref_sensor_type);"
    "CREATE TABLE rig_sensors (rig_id INTEGER NOT NULL, sensor_id INTEGER NOT NULL, sensor_type INTEGER NOT NULL, "
    "sensor_from_rig BLOB, FOREIGN KEY(rig_id) REFERENCES rigs(rig_id) ON DELETE CASCADE);"
    "CREATE UNIQUE INDEX rig_sensor_assignment ON rig_sensors(sensor_id, sensor_type);"
    "CREATE TABLE frames (frame_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, rig_id INTEGER NOT NULL, "
    "FOREIGN KEY(rig_id) REFERENCES rigs(rig_id) ON DELETE CASCADE);"
    "CREATE TABLE frame_data (frame_id INTEGER NOT NULL, data_id INTEGER NOT NULL, sensor_id INTEGER NOT NULL, "
    "sensor_type INTEGER NOT NULL, FOREIGN KEY(frame_id) REFERENCES frames(frame_id) ON DELETE CASCADE);"
    "CREATE UNIQUE INDEX frame_sensor_assignment ON frame_data(data_id, sensor_type);";

std::string tables_of(const std::string& release) {
  const std::string common = std::string(kCameras) + kKeypoints + kMatches;
  if (release == "3.8" || release == "3.9") return common + kImagesWithPriors + kDescriptors + kGeometries;
  if (release == "3.10") return common + kImages + kPriorsOf310 + kDescriptors + kGeometries;
  if (release == "3.11") return common + kImages + kPriorsOf311 + kDescriptors + kGeometries;
  if (release == "3.12") return common + kRigs + kImages + kPriorsOf311 + kDescriptors + kGeometries;
  if (release == "4.0") return common + kRigs + kImages + kPriorsOf40 + kTypedDescriptors + kGeometries;
  if (release == "4.2.dev") {
    return common + kRigs + kImages + kPriorsOf40 + kTypedDescriptors + kGeometriesWithCameras;
  }
  throw std::runtime_error("no fixture for COLMAP " + release);
}

void check(bool fine, sqlite3* handle) {
  if (!fine) throw std::runtime_error(std::string("fixture: ") + sqlite3_errmsg(handle));
}

using Query = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

Query prepare(sqlite3* handle, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK, handle);
  return {statement, &sqlite3_finalize};
}

Blob blob_of(sqlite3_stmt* row, int column) {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(row, column));
  return {bytes, bytes + sqlite3_column_bytes(row, column)};
}

template <class T>
std::vector<T> values_of(const Blob& blob) {
  std::vector<T> values(blob.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), blob.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace

const std::vector<ColmapRelease>& colmap_releases() {
  static const std::vector<ColmapRelease> releases{
      {"3.8", ColmapSchema::v3_8, 3800},       {"3.9", ColmapSchema::v3_8, 3900},
      {"3.10", ColmapSchema::v3_10, 3900},     {"3.11", ColmapSchema::v3_11, 3900},
      {"3.12", ColmapSchema::v3_12, 3900},     {"4.0", ColmapSchema::v4_0, 4000000},
      {"4.2.dev", ColmapSchema::v4_2, 4020000}};
  return releases;
}

TestDatabase::TestDatabase(const std::filesystem::path& path, const std::string& release, bool wal)
    : TestDatabase(path) {
  if (wal) run("PRAGMA journal_mode=WAL");
  run("PRAGMA auto_vacuum=1");
  run(tables_of(release));
  for (const auto& known : colmap_releases()) {
    if (known.name == release) run("PRAGMA user_version = " + std::to_string(known.user_version));
  }
}

TestDatabase::TestDatabase(const std::filesystem::path& path) {
  check(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK, handle_);
  sqlite3_busy_timeout(handle_, 5000);
}

TestDatabase::~TestDatabase() { sqlite3_close(handle_); }

void TestDatabase::run(const std::string& sql) {
  check(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, handle_);
}

void TestDatabase::camera(int id, int model, int width, int height, const std::vector<double>& parameters, bool prior) {
  const auto query = prepare(handle_,
                             "INSERT INTO cameras (camera_id, model, width, height, params, prior_focal_length) "
                             "VALUES (?, ?, ?, ?, ?, ?)");
  sqlite3_bind_int(query.get(), 1, id);
  sqlite3_bind_int(query.get(), 2, model);
  sqlite3_bind_int(query.get(), 3, width);
  sqlite3_bind_int(query.get(), 4, height);
  sqlite3_bind_blob(query.get(), 5, parameters.data(), static_cast<int>(parameters.size() * 8), SQLITE_STATIC);
  sqlite3_bind_int(query.get(), 6, prior ? 1 : 0);
  check(sqlite3_step(query.get()) == SQLITE_DONE, handle_);
}

void TestDatabase::image(int id, const std::string& name, int camera, int columns, const std::vector<float>& values) {
  const auto query = prepare(handle_, "INSERT INTO images (image_id, name, camera_id) VALUES (?, ?, ?)");
  sqlite3_bind_int(query.get(), 1, id);
  sqlite3_bind_text(query.get(), 2, name.c_str(), -1, SQLITE_STATIC);
  sqlite3_bind_int(query.get(), 3, camera);
  check(sqlite3_step(query.get()) == SQLITE_DONE, handle_);
  if (columns == 0) return;
  const auto keypoints = prepare(handle_, "INSERT INTO keypoints (image_id, rows, cols, data) VALUES (?, ?, ?, ?)");
  sqlite3_bind_int(keypoints.get(), 1, id);
  sqlite3_bind_int64(keypoints.get(), 2, static_cast<std::int64_t>(values.size()) / columns);
  sqlite3_bind_int(keypoints.get(), 3, columns);
  sqlite3_bind_blob(keypoints.get(), 4, values.data(), static_cast<int>(values.size() * 4), SQLITE_STATIC);
  check(sqlite3_step(keypoints.get()) == SQLITE_DONE, handle_);
}

std::int64_t TestDatabase::number(const std::string& sql) {
  const auto query = prepare(handle_, sql);
  check(sqlite3_step(query.get()) == SQLITE_ROW, handle_);
  return sqlite3_column_int64(query.get(), 0);
}

std::string TestDatabase::text(const std::string& sql) {
  const auto query = prepare(handle_, sql);
  std::string text;
  while (sqlite3_step(query.get()) == SQLITE_ROW) {
    const auto* row = reinterpret_cast<const char*>(sqlite3_column_text(query.get(), 0));
    text += std::string(row == nullptr ? "" : row) + '\n';
  }
  return text;
}

std::optional<StoredRow> TestDatabase::row(const std::string& table, const std::string& key, std::int64_t id) {
  const auto query = prepare(handle_, "SELECT rows, cols, data FROM " + table + " WHERE " + key + " = ?");
  sqlite3_bind_int64(query.get(), 1, id);
  if (sqlite3_step(query.get()) != SQLITE_ROW) return {};
  return StoredRow{sqlite3_column_int64(query.get(), 0), sqlite3_column_int64(query.get(), 1), blob_of(query.get(), 2)};
}

std::optional<StoredGeometry> TestDatabase::geometry(std::int64_t pair_id) {
  const auto query = prepare(handle_, "SELECT * FROM two_view_geometries WHERE pair_id = ?");
  sqlite3_bind_int64(query.get(), 1, pair_id);
  if (sqlite3_step(query.get()) != SQLITE_ROW) return {};
  StoredGeometry geometry{sqlite3_column_int64(query.get(), 4), sqlite3_column_int64(query.get(), 1), {}};
  for (int column = 5; column < sqlite3_column_count(query.get()); ++column) {
    const bool null = sqlite3_column_type(query.get(), column) == SQLITE_NULL;
    geometry.matrices.push_back(null ? std::nullopt : std::optional(blob_of(query.get(), column)));
  }
  return geometry;
}

std::string TestDatabase::schema() {
  return text("SELECT type || name || coalesce(sql, '') FROM sqlite_master ORDER BY name") +
         std::to_string(number("PRAGMA user_version")) + text("PRAGMA journal_mode");
}

std::vector<std::uint32_t> integers(const Blob& blob) { return values_of<std::uint32_t>(blob); }
std::vector<float> floats(const Blob& blob) { return values_of<float>(blob); }
std::vector<double> doubles(const Blob& blob) { return values_of<double>(blob); }

std::vector<float> random_keypoints(int count, int width, int height, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    const double sigma = random.uniform(1.5, 6);
    const double angle = random.uniform(-3.1, 3.1);
    const double c = sigma * std::cos(angle);
    const double s = sigma * std::sin(angle);
    for (const double value : {random.uniform(0, width), random.uniform(0, height), c, -s, s, c}) {
      values.push_back(static_cast<float>(value));
    }
  }
  return values;
}

}  // namespace twinpatch::test
