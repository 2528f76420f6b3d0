// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_database.hpp"

#include <sqlite3.h>

#include "fuzz/fuzz.hpp"

namespace twinpatch::fuzz {
namespace {

void read_database(const std::filesystem::path& path) {
  refused([&] {
    const ColmapDatabase database(path);
    (void)database.schema();
    refused([&] { (void)database.cameras(); });
    refused([&] { (void)database.positions(); });
    refused([&] { (void)database.frames(); });
    refused([&] { (void)database.uncalibrated_cameras(); });
    refused([&] { (void)database.verified_pairs(1); });
    std::vector<ColmapImageRow> images;
    refused([&] { images = database.images(); });
    if (images.size() > 4) images.resize(4);
    for (const auto& image : images) {
      refused([&] { (void)database.keypoints(image.id); });
      refused([&] { (void)database.keypoints(image.id, 2.0F); });
      for (const auto& other : images) {
        refused([&] {
          if (other.id != image.id) (void)database.matches(image.id, other.id);
        });
      }
    }
  });
}

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

/// A value of any type, mostly the one that COLMAP stores there.
void bind(Input& input, sqlite3_stmt* statement, int index, char usual) {
  constexpr char kTypes[] = {'n', 'i', 'd', 't', 'b'};
  const int choice = input.below(12);
  switch (choice < 5 ? kTypes[choice] : usual) {
    case 'n':
      return (void)sqlite3_bind_null(statement, index);
    case 'i':
      return (void)sqlite3_bind_int64(statement, index, input.flag() ? input.below(9) : input.number<std::int64_t>());
    case 'd':
      return (void)sqlite3_bind_double(statement, index, input.number<double>());
    case 't': {
      const std::string text = input.text();
      return (void)sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
    default: {
      const std::string blob = input.text();
      (void)sqlite3_bind_blob(statement, index, blob.data(), static_cast<int>(blob.size()), SQLITE_TRANSIENT);
    }
  }
}

void insert(Input& input, sqlite3* database, const char* sql, std::string_view types) {
  sqlite3_stmt* raw = nullptr;
  require(sqlite3_prepare_v2(database, sql, -1, &raw, nullptr) == SQLITE_OK, "cannot prepare an insert");
  const std::unique_ptr<sqlite3_stmt, Close> statement(raw);
  for (std::size_t i = 0; i < types.size(); ++i) bind(input, raw, static_cast<int>(i) + 1, types[i]);
  (void)sqlite3_step(raw);
}

/// A well-formed database whose rows hold anything: what mutating a file's bytes hardly ever reaches.
void make_database(Input& input, const std::filesystem::path& path) {
  sqlite3* raw = nullptr;
  require(sqlite3_open(path.c_str(), &raw) == SQLITE_OK, "cannot make a database");
  const std::unique_ptr<sqlite3, Close> database(raw);
  const auto run = [&](const char* sql) {
    require(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr) == SQLITE_OK, "cannot fill a database");
  };
  run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 1024; BEGIN;"
      "CREATE TABLE cameras(camera_id INTEGER PRIMARY KEY, model, width, height, params, prior_focal_length);"
      "CREATE TABLE images(image_id, name, camera_id); CREATE TABLE keypoints(image_id, rows, cols, data);"
      "CREATE TABLE matches(pair_id, rows, cols, data);"
      "CREATE TABLE two_view_geometries(pair_id, rows, cols, data, config, F, E, H);"
      "CREATE TABLE pose_priors(corr_data_id, corr_sensor_type, position, coordinate_system);"
      "CREATE TABLE rig_sensors(rig_id, sensor_id, sensor_type, sensor_from_rig);"
      "CREATE TABLE frame_data(frame_id, data_id, sensor_type)");
  for (int i = input.below(3); i > 0; --i) insert(input, raw, "INSERT INTO cameras VALUES(?,?,?,?,?,?)", "iiiibi");
  for (int i = input.below(4); i > 0; --i) insert(input, raw, "INSERT INTO images VALUES(?,?,?)", "iti");
  for (int i = input.below(4); i > 0; --i) insert(input, raw, "INSERT INTO keypoints VALUES(?,?,?,?)", "iiib");
  for (int i = input.below(3); i > 0; --i)
    insert(input, raw, "INSERT INTO matches VALUES(2147483649 + ?,?,?,?)", "iiib");
  for (int i = input.below(3); i > 0; --i) insert(input, raw, "INSERT INTO pose_priors VALUES(?,?,?,?)", "iibi");
  for (int i = input.below(3); i > 0; --i) insert(input, raw, "INSERT INTO rig_sensors VALUES(?,?,?,?)", "iiib");
  for (int i = input.below(3); i > 0; --i) insert(input, raw, "INSERT INTO frame_data VALUES(?,?,?)", "iii");
  for (int i = input.below(3); i > 0; --i) {
    insert(input, raw, "INSERT INTO two_view_geometries(pair_id, rows) VALUES(2147483649 + ?,?)", "ii");
  }
  run("COMMIT");
}

}  // namespace

void run_target(Bytes bytes) {
  // A file as it is, or the description of one.
  if (as_text(bytes).starts_with("SQLite")) return read_database(scratch_file(bytes, ".db"));
  Input input(bytes);
  const auto path = scratch_file({}, ".db");
  make_database(input, path);
  read_database(path);
}

}  // namespace twinpatch::fuzz
