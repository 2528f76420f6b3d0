// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/colmap_tracks.hpp"

using namespace twinpatch;
using namespace twinpatch::test;

namespace {

/// A database with the two tables that matter, as COLMAP makes them.
class TestDatabase {
 public:
  explicit TestDatabase(const std::filesystem::path& path) {
    REQUIRE(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK);
    run("CREATE TABLE images (image_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, camera_id INTEGER NOT NULL)");
    run("CREATE TABLE keypoints (image_id INTEGER PRIMARY KEY, rows INTEGER, cols INTEGER, data BLOB)");
  }
  ~TestDatabase() { sqlite3_close(handle_); }
  TestDatabase(const TestDatabase&) = delete;             // owns the connection
  TestDatabase& operator=(const TestDatabase&) = delete;  // likewise

  void run(const char* sql) { REQUIRE(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK); }
  void add(int id, const char* name, int rows, int columns, const std::vector<float>& values) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(handle_, "INSERT INTO images VALUES (?, ?, 1)", -1, &statement, nullptr);
    sqlite3_bind_int(statement, 1, id);
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    REQUIRE(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_prepare_v2(handle_, "INSERT INTO keypoints VALUES (?, ?, ?, ?)", -1, &statement, nullptr);
    sqlite3_bind_int(statement, 1, id);
    sqlite3_bind_int(statement, 2, rows);
    sqlite3_bind_int(statement, 3, columns);
    sqlite3_bind_blob(statement, 4, values.data(), static_cast<int>(values.size() * 4), SQLITE_STATIC);
    REQUIRE(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_finalize(statement);
  }

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace

TEST_CASE("keypoints of four and of six columns are read from a COLMAP database") {
  const TemporaryFolder folder;
  const auto path = folder / "my database.db";
  {
    TestDatabase database(path);
    const auto c = static_cast<float>(3 * std::cos(0.5));
    const auto s = static_cast<float>(3 * std::sin(0.5));
    database.add(1, "six.jpg", 1, 6, {10, 20, c, -s, s, c});
    database.add(2, "four.jpg", 2, 4, {1, 2, 3, 0.25F, 4, 5, 6, -0.5F});
    database.add(3, "none.jpg", 0, 6, {});
  }
  const auto keypoints = read_colmap_database(path);
  REQUIRE(keypoints.size() == 3);
  CHECK(keypoints.at("six.jpg")[0].sigma == Approx(3));
  CHECK(keypoints.at("six.jpg")[0].angle == Approx(0.5));
  CHECK(keypoints.at("four.jpg")[1].sigma == 6);
  CHECK(keypoints.at("four.jpg")[1].angle == -0.5F);
  CHECK(keypoints.at("none.jpg").empty());
  CHECK(folder.names() == std::vector<std::string>{"my database.db"});  // nothing beside it: opened to read only
}

TEST_CASE("databases without what is needed are refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const char* name) {
    return message_of<Error>([&] { (void)read_colmap_database(folder / name); });
  };
  CHECK(refused("absent.db").find("no such file") != std::string::npos);
  folder.file("text.db", "this is not a database, however long one looks at it");
  CHECK(refused("text.db").find("not a COLMAP database") != std::string::npos);
  folder.file("empty.db", "");
  CHECK(refused("empty.db").find("not a COLMAP database: no table images") != std::string::npos);
  TestDatabase(folder / "two.db").add(1, "a.jpg", 2, 2, {1, 2, 3, 4});
  CHECK(refused("two.db").find("keypoints of a.jpg: two columns, no scale and angle") != std::string::npos);
  TestDatabase(folder / "short.db").add(1, "a.jpg", 3, 4, {1, 2, 3, 4});
  CHECK(refused("short.db").find("keypoints of a.jpg: 3 rows of 4 columns in 16 bytes") != std::string::npos);
  TestDatabase(folder / "huge.db").add(1, "a.jpg", 2147483647, 6, {1, 2, 3, 4});
  CHECK(refused("huge.db").find("2147483647 rows") != std::string::npos);
  TestDatabase(folder / "wide.db").add(1, "a.jpg", 1, 5, {1, 2, 3, 4, 5});
  CHECK(refused("wide.db").find("5 columns, expected 2, 4 or 6") != std::string::npos);
}
