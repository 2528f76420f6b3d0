// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

// SQLite's C interface with owners and exceptions. One connection serves one thread at a time.

namespace twinpatch::sfm {

enum class Access { read, write };

class Connection;

/// A prepared statement. Values bound to it must live until the next step(); columns are valid until then, too.
class Statement {
 public:
  Statement(const Connection& connection, std::string_view sql);

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::span<const std::byte> blob);

  /// True while there is a row. Throws as the connection's `fail` does.
  bool step();
  /// Runs to the end and makes ready for other values.
  void run();
  void reset() noexcept { (void)sqlite3_reset(handle_.get()); }
  /// Values that are not bound anew are NULL.
  void clear() noexcept { (void)sqlite3_clear_bindings(handle_.get()); }

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::span<const std::byte> blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { (void)sqlite3_finalize(statement); }
  };
  const Connection* connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Connection {
 public:
  /// The file must be there. `patience`: how long to wait for another program's lock. Once a stop is asked for, the
  /// statement that runs throws Interrupted: a damaged or hostile file can make one run for ever.
  Connection(const std::filesystem::path& path, Access access, std::chrono::milliseconds patience,
             std::stop_token stop = {});

  void run(const char* sql) const;
  /// Moves what stands in the write-ahead log, if there is one, into the file itself, so that a copy of the file has
  /// it. Where another program is reading right now, that is left to the last one who closes the database.
  void empty_log() const;
  /// Names of a table's columns; empty where there is no such table. A view, or a table that a module of SQLite makes
  /// up, is none: COLMAP has only tables that lie in the file.
  [[nodiscard]] std::set<std::string, std::less<>> columns(std::string_view table) const;
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] std::chrono::milliseconds patience() const noexcept { return patience_; }

  /// Says in words what SQLite's code means: IoError where the system or another program is in the way, FormatError
  /// where the file is not what it should be.
  [[noreturn]] void fail(int code) const;

 private:
  void open(const std::string& name, int flags);
  struct Close {
    void operator()(sqlite3* database) const noexcept { (void)sqlite3_close_v2(database); }
  };
  std::string path_;
  std::chrono::milliseconds patience_;
  std::unique_ptr<std::stop_token> stop_;  ///< where SQLite finds it, wherever this is moved to
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Takes the write lock at once (so that it never fails half-way for want of it) and rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(const Connection& connection) : connection_(connection) { connection_.run("BEGIN IMMEDIATE"); }
  ~Transaction() {
    if (open_) (void)sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;             // ends with its scope
  Transaction& operator=(const Transaction&) = delete;  // likewise
  void commit() {
    connection_.run("COMMIT");
    open_ = false;
  }

 private:
  const Connection& connection_;
  bool open_ = true;
};

/// "NFS", "SMB", … for the number that statfs gives a network file system; empty for all others.
[[nodiscard]] std::string_view network_file_system(std::int64_t statfs_type);

}  // namespace twinpatch::sfm
