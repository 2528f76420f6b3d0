// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twinpatch/sfm/colmap_database.hpp"

namespace twinpatch::test {

/// A release of COLMAP whose tables a fixture has.
struct ColmapRelease {
  std::string name;
  ColmapSchema schema;
  std::int64_t user_version;
};
/// 3.8, 3.9, 3.10, 3.11, 3.12, 4.0 and 4.2.dev.
[[nodiscard]] const std::vector<ColmapRelease>& colmap_releases();

using Blob = std::vector<std::byte>;
struct StoredRow {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  Blob data;
};
struct StoredGeometry {
  std::int64_t config = 0;
  std::int64_t rows = 0;
  std::vector<std::optional<Blob>> matrices;  ///< F, E, H, then every other column that may be NULL
};

/// A database with the tables of one release, made and looked at with SQLite itself and nothing of ours.
class TestDatabase {
 public:
  /// Makes the file, with COLMAP's pragmas (`wal`: as COLMAP leaves it).
  TestDatabase(const std::filesystem::path& path, const std::string& release, bool wal = false);
  /// Opens one that is there.
  explicit TestDatabase(const std::filesystem::path& path);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;             // owns the connection
  TestDatabase& operator=(const TestDatabase&) = delete;  // likewise

  void run(const std::string& sql);
  void camera(int id, int model, int width, int height, const std::vector<double>& parameters, bool prior);
  /// Its keypoints, `columns` floats each; columns 0: no row.
  void image(int id, const std::string& name, int camera, int columns, const std::vector<float>& values);

  [[nodiscard]] std::int64_t number(const std::string& sql);
  [[nodiscard]] std::string text(const std::string& sql);
  [[nodiscard]] std::optional<StoredRow> row(const std::string& table, const std::string& key, std::int64_t id);
  [[nodiscard]] std::optional<StoredGeometry> geometry(std::int64_t pair_id);
  /// Every table and index as SQL: what a migration would change.
  [[nodiscard]] std::string schema();

 private:
  sqlite3* handle_ = nullptr;
};

[[nodiscard]] std::vector<std::uint32_t> integers(const Blob& blob);
[[nodiscard]] std::vector<float> floats(const Blob& blob);
[[nodiscard]] std::vector<double> doubles(const Blob& blob);

/// Six columns of `count` keypoints inside width × height, random.
[[nodiscard]] std::vector<float> random_keypoints(int count, int width, int height, std::uint64_t seed);

}  // namespace twinpatch::test
