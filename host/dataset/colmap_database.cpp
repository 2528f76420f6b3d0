// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "colmap_keypoints.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::dataset {

namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const noexcept { (void)sqlite3_close_v2(database); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const noexcept { (void)sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

Database open_read_only(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) throw IoError(path, "cannot open: no such file");
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) throw IoError(path, fmt::format("cannot open: {}", sqlite3_errstr(code)));
  return database;
}

Statement prepare(sqlite3* database, const char* sql, const std::string& path) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database, sql, -1, &raw, nullptr) != SQLITE_OK) {
    throw FormatError(path, -1, fmt::format("not a COLMAP database: {}", sqlite3_errmsg(database)));
  }
  return Statement(raw);
}

/// COLMAP's row → keypoint. 4 columns: x y scale angle; 6: x y and the matrix of the affine shape, row by row.
Keypoint to_keypoint(const float* row, int columns) {
  Keypoint keypoint{.x = row[0], .y = row[1], .sigma = row[2], .angle = row[3], .response = 0};
  if (columns == 6) {
    keypoint.sigma = (std::hypot(row[2], row[4]) + std::hypot(row[3], row[5])) / 2.0F;
    keypoint.angle = std::atan2(row[4], row[2]);
  }
  return keypoint;
}

std::vector<Keypoint> read_row(sqlite3_stmt* row, const std::string& name, const std::string& path) {
  const std::int64_t rows = sqlite3_column_int64(row, 1);
  const std::int64_t columns = sqlite3_column_int64(row, 2);
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(row, 3));
  const std::int64_t size = sqlite3_column_bytes(row, 3);
  const auto fail = [&](const std::string& what) {
    throw FormatError(path, -1, fmt::format("keypoints of {}: {}", name, what));
  };
  if (columns == 2 && rows > 0) fail("two columns, no scale and angle: give --tracks, or leave --database out");
  if (rows == 0) return {};
  if (columns != 4 && columns != 6) fail(fmt::format("{} columns, expected 4 or 6", columns));
  if (rows < 0 || rows > size || rows * columns * 4 != size) {
    fail(fmt::format("{} rows of {} columns in {} bytes", rows, columns, size));
  }
  std::vector<Keypoint> keypoints;
  keypoints.reserve(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) {
    std::array<float, 6> values{};
    std::memcpy(values.data(), bytes + i * columns * 4, static_cast<std::size_t>(columns) * 4);
    keypoints.push_back(to_keypoint(values.data(), static_cast<int>(columns)));
  }
  return keypoints;
}

}  // namespace

std::map<std::string, std::vector<Keypoint>> read_colmap_database(const std::filesystem::path& path) {
  const std::string name = path.string();
  const Database database = open_read_only(name);
  // Columns by name: their order and number differ between COLMAP's versions.
  const Statement query = prepare(database.get(),
                                  "SELECT images.name, keypoints.rows, keypoints.cols, keypoints.data FROM keypoints "
                                  "JOIN images ON images.image_id = keypoints.image_id",
                                  name);
  std::map<std::string, std::vector<Keypoint>> keypoints;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(query.get())) == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(query.get(), 0));
    if (text == nullptr) throw FormatError(name, -1, "an image without a name");
    const std::string image = text;
    keypoints[image] = read_row(query.get(), image, name);
  }
  if (code != SQLITE_DONE) throw FormatError(name, -1, sqlite3_errmsg(database.get()));
  return keypoints;
}

}  // namespace twinpatch::dataset
