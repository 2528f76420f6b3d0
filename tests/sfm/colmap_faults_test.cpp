// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>

#include "colmap_sqlite.hpp"
#include "sfm/colmap_fixtures.hpp"
#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"

using namespace twinpatch;
using namespace twinpatch::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

ColmapImageId id(std::uint32_t value) { return static_cast<ColmapImageId>(value); }

void make(const std::filesystem::path& path, bool wal, int keypoints = 100) {
  TestDatabase database(path, "3.8", wal);
  database.camera(1, 0, 640, 480, {500, 320, 240}, true);
  for (int i = 1; i <= 3; ++i) {
    database.image(i, std::to_string(i), 1, 6, random_keypoints(keypoints, 640, 480, static_cast<unsigned>(i)));
  }
}

const std::vector<IndexPair> kOne{{1, 2}};

/// Until the end of its scope, files of this process cannot grow beyond `bytes`, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(std::uintmax_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, old_handler_);
  }
  FullDisk(const FullDisk&) = delete;             // restores at the end of its scope
  FullDisk& operator=(const FullDisk&) = delete;  // likewise

 private:
  rlimit before_{};
  void (*old_handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("another writer's lock is waited for, then reported") {
  for (const bool wal : {false, true}) {
    const TemporaryFolder folder;
    make(folder / "a.db", wal);
    TestDatabase colmap(folder / "a.db");
    colmap.run("BEGIN IMMEDIATE");
    CHECK_THAT(message_of<IoError>([&] { ColmapWriter(folder / "a.db", {.patience = 60ms}); }),
               Contains("a.db") && Contains("another program") && Contains("0.06 s") && Contains("same command again"));
    colmap.run("ROLLBACK");

    ColmapWriter writer(folder / "a.db", {.patience = 60ms});
    writer.add_matches(id(1), id(2), kOne);
    colmap.run("BEGIN IMMEDIATE");
    CHECK_THAT(message_of<IoError>([&] { writer.flush(); }), Contains("another program"));
    CHECK(writer.counts().pairs == 0);
    colmap.run("ROLLBACK");
    writer.flush();  // what was gathered is still there
    CHECK(writer.counts().pairs == 1);

    ColmapWriter patient(folder / "a.db", {.patience = 20s});
    patient.add_matches(id(1), id(3), kOne);
    colmap.run("BEGIN IMMEDIATE");
    std::thread release([&] {
      std::this_thread::sleep_for(150ms);
      colmap.run("COMMIT");
    });
    patient.flush();
    release.join();
    CHECK(TestDatabase(folder / "a.db").number("SELECT count(*) FROM matches") == 2);
  }
}

TEST_CASE("a transaction that fails half-way leaves nothing behind") {
  const TemporaryFolder folder;
  make(folder / "a.db", false);
  {
    TestDatabase database(folder / "a.db");
    // The third row fails, as a constraint that we know nothing of would make it.
    database.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON matches WHEN NEW.pair_id = 2 * 2147483647 + 3 "
        "BEGIN SELECT RAISE(ABORT, 'constraint failed'); END");
  }
  {
    ColmapWriter writer(folder / "a.db");
    writer.add_matches(id(1), id(2), kOne);
    writer.add_matches(id(1), id(3), kOne);
    writer.add_matches(id(2), id(3), kOne);
    CHECK_THAT(message_of<Error>([&] { writer.flush(); }), Contains("constraint failed"));
    CHECK(writer.counts().pairs == 0);
  }
  TestDatabase database(folder / "a.db");
  CHECK(database.number("SELECT count(*) FROM matches") == 0);
  database.run("BEGIN IMMEDIATE");  // and no lock either
}

TEST_CASE("a full disk is reported, and the database stays as it was") {
  for (const bool wal : {false, true}) {
    INFO(wal);
    const TemporaryFolder folder;
    make(folder / "a.db", wal, 50'000);
    std::vector<IndexPair> many(50'000);
    for (std::int32_t i = 0; i < 50'000; ++i) many[static_cast<std::size_t>(i)] = {i, i};
    {
      ColmapWriter writer(folder / "a.db");
      writer.add_matches(id(1), id(2), kOne);
      writer.flush();
      for (const auto& [a, b] : {std::pair{1U, 3U}, {2U, 3U}}) writer.add_matches(id(a), id(b), many);
      const auto size = std::filesystem::file_size(folder / "a.db");
      const auto log =
          std::filesystem::exists(folder / "a.db-wal") ? std::filesystem::file_size(folder / "a.db-wal") : 0;
      const FullDisk full(wal ? log + 100'000 : size + 100'000);
      CHECK_THAT(message_of<IoError>([&] { writer.flush(); }), Contains("a.db"));
      CHECK(writer.counts().pairs == 1);
    }
    TestDatabase database(folder / "a.db");
    CHECK(database.number("SELECT count(*) FROM matches") == 1);
    CHECK(database.text("PRAGMA integrity_check") == "ok\n");
  }
}

TEST_CASE("a read-only database or folder is refused before any work") {
  const bool root = geteuid() == 0;
  if (root && seteuid(65534) != 0) {
    std::cout << "skipped: root may write everywhere, and cannot become another user here\n";
    return;
  }
  for (const bool wal : {false, true}) {
    const TemporaryFolder folder;
    make(folder / "a.db", wal);
    std::filesystem::permissions(folder / "a.db", std::filesystem::perms::owner_read);
    CHECK_THAT(message_of<IoError>([&] { ColmapWriter(folder / "a.db"); }),
               Contains("a.db: the database is read-only"));
    std::filesystem::permissions(folder / "a.db", std::filesystem::perms::owner_all);
    std::filesystem::permissions(folder.path(),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    CHECK_THAT(message_of<IoError>([&] { ColmapWriter(folder / "a.db"); }),
               Contains("a.db: the database's folder cannot be written to"));
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
    CHECK(folder.names() == std::vector<std::string>{"a.db"});  // nothing left that would be in the way
    CHECK_NOTHROW(ColmapWriter(folder / "a.db"));
  }
  if (root) REQUIRE(seteuid(0) == 0);
}

TEST_CASE("a link to a database is as good as the place it leads to") {
  const bool root = geteuid() == 0;
  if (root && seteuid(65534) != 0) {
    std::cout << "skipped: root may write everywhere, and cannot become another user here\n";
    return;
  }
  using std::filesystem::perms;
  const TemporaryFolder folder;
  for (const char* name : {"open", "shut"}) std::filesystem::create_directory(folder / name);
  make(folder / "open/a.db", true);
  make(folder / "shut/b.db", true);
  std::filesystem::create_symlink("../open/a.db", folder / "shut/to_open.db");
  std::filesystem::create_symlink("../shut/b.db", folder / "open/to_shut.db");
  std::filesystem::permissions(folder / "shut", perms::owner_read | perms::owner_exec);
  CHECK_NOTHROW(ColmapWriter(folder / "shut/to_open.db"));
  CHECK(ColmapDatabase(folder / "shut/to_open.db").images().size() > 0);
  CHECK_THAT(message_of<IoError>([&] { ColmapWriter(folder / "open/to_shut.db"); }),
             Contains("to_shut.db: the database's folder cannot be written to"));
  // Read it is all the same, in WAL mode too, for which SQLite would make files beside it.
  CHECK(ColmapDatabase(folder / "open/to_shut.db").images().size() > 0);
  CHECK(ColmapDatabase(folder / "shut/b.db").images().size() > 0);
  std::filesystem::permissions(folder / "shut", perms::owner_all);
  if (root) REQUIRE(seteuid(0) == 0);
}

TEST_CASE("what is not a COLMAP database is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const char* name) { return message_of<Error>([&] { ColmapWriter(folder / name); }); };
  CHECK_THAT(refused("absent.db"), Contains("no such file"));
  folder.file("text.db", "this is not a database, however long one looks at it");
  CHECK_THAT(refused("text.db"), Contains("not a COLMAP database"));
  folder.file("empty.db", "");
  CHECK_THAT(refused("empty.db"), Contains("no table images"));
  make(folder / "old.db", false);
  TestDatabase(folder / "old.db").run("ALTER TABLE two_view_geometries DROP COLUMN H");
  CHECK_THAT(refused("old.db"), Contains("table two_view_geometries has no column H"));
  make(folder / "new.db", false);
  TestDatabase(folder / "new.db").run("DROP TABLE matches");
  TestDatabase(folder / "new.db")
      .run("CREATE TABLE matches (pair_id INTEGER PRIMARY KEY, rows INT, cols INT, data BLOB, kind INT NOT NULL)");
  CHECK_THAT(refused("new.db"), Contains("needs a value for the column kind"));
}

TEST_CASE("a view that yields rows for ever is no table of a COLMAP database") {
  const TemporaryFolder folder;
  const auto path = folder / "database.db";
  make(path, false);
  {
    TestDatabase database(path);
    database.run("ALTER TABLE images RENAME TO hidden");
    database.run(
        "CREATE VIEW images(image_id, name, camera_id) AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
        "FROM n) SELECT i, 'x' || i, 1 FROM n");
  }
  CHECK_THAT(message_of<FormatError>([&] { ColmapDatabase{path}; }), Contains("no table images"));
  CHECK_THAT(message_of<FormatError>([&] { ColmapWriter{path}; }), Contains("no table images"));
}

TEST_CASE("a statement that runs for ever ends when a stop is asked for") {
  const TemporaryFolder folder;
  const auto path = folder / "database.db";
  make(path, false);
  std::stop_source stop;
  const sfm::Connection connection(path, sfm::Access::read, 1s, stop.get_token());
  sfm::Statement endless(connection,
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
  const std::jthread asks([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  CHECK_THROWS_AS(endless.step(), Interrupted);
}

TEST_CASE("an image that stands in a database twice is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "database.db";
  make(path, false);
  {
    TestDatabase database(path);
    database.run("ALTER TABLE keypoints RENAME TO hidden");
    database.run("CREATE TABLE keypoints(image_id, rows, cols, data)");
    database.run("INSERT INTO keypoints SELECT * FROM hidden UNION ALL SELECT * FROM hidden WHERE image_id = 2");
  }
  const ColmapDatabase database(path);
  CHECK_THAT(message_of<FormatError>([&] { (void)database.images(); }), Contains("duplicate image id 2"));
}

TEST_CASE("network file systems are known by their numbers") {
  CHECK(sfm::network_file_system(0x6969) == "NFS");
  CHECK(sfm::network_file_system(0xFF534D42) == "CIFS");
  // As a signed 32-bit number, which some systems give.
  CHECK(sfm::network_file_system(static_cast<std::int32_t>(0xFF534D42)) == "CIFS");
  CHECK(sfm::network_file_system(0xEF53).empty());      // ext4
  CHECK(sfm::network_file_system(0x01021994).empty());  // tmpfs
}
