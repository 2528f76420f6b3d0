// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "colmap_sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/library_versions.hpp"

namespace twinpatch::sfm {
namespace {

/// A gigabyte is SQLite's own bound. Keypoints of one image take 24 bytes each, or 16 million of them 400 MB.
constexpr int kMostBytesOfValue = 512 << 20;
constexpr int kStepsBetweenChecks = 100'000;  // of SQLite's virtual machine: about a millisecond

int stop_requested(void* token) { return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0; }

bool refused(const std::filesystem::path& place) { return ::faccessat(AT_FDCWD, place.c_str(), W_OK, AT_EACCESS) != 0; }

/// Where SQLite puts the files beside a database: with the file that a link leads to, not with the link.
std::filesystem::path folder_of(const std::filesystem::path& path) {
  return std::filesystem::canonical(path).parent_path();
}

/// A database in WAL mode can be opened without its log where nothing is in the log and no new one can be made.
bool has_log(const std::filesystem::path& path) {
  std::error_code failed;
  const auto log = std::filesystem::canonical(path, failed).string() + "-wal";
  const auto size = std::filesystem::file_size(log, failed);
  return !failed && size > 0;
}

/// A name as SQLite's URIs take it.
std::string uri_of(const std::filesystem::path& path) {
  std::string uri = "file:";
  for (const char c : std::filesystem::canonical(path).string()) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                       c == '.' || c == '_' || c == '-';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri + "?immutable=1";
}

/// Asked before SQLite opens the file: a database in WAL mode that is read-only would leave files beside it that are
/// read-only too, and in the way once the database is not.
void check_writable(const std::filesystem::path& path) {
  if (refused(path)) throw IoError(path.string(), "the database is read-only", errno);
  if (!refused(folder_of(path))) return;
  throw IoError(path.string(),
                "the database's folder cannot be written to, where SQLite keeps its journal while it writes", errno);
}

}  // namespace

Connection::Connection(const std::filesystem::path& path, Access access, std::chrono::milliseconds patience,
                       std::stop_token stop)
    : path_(path.string()), patience_(patience), stop_(std::make_unique<std::stop_token>(std::move(stop))) {
  if (!std::filesystem::is_regular_file(path)) throw IoError(path_, "cannot open: no such file");
  if (access == Access::write) check_writable(path);
  // A reader that may not write cannot tidy up either: it would leave an empty log beside a database in WAL mode.
  const bool read_only = access == Access::read && (refused(path) || refused(folder_of(path)));
  open(path_, read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  if (read_only && !has_log(path)) {
    const int code = sqlite3_exec(handle_.get(), "SELECT 1 FROM sqlite_master", nullptr, nullptr, nullptr) & 0xff;
    // WAL mode, and the index of its log cannot be made here. Where nobody may write there is nothing to share.
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) {
      open(uri_of(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
  }
  sqlite3* const raw = handle_.get();
  (void)sqlite3_extended_result_codes(raw, 1);
  (void)sqlite3_busy_timeout(raw, static_cast<int>(patience.count()));
  // The file's own schema is not trusted to call anything, and no value of it may be of any size.
  (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  (void)sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMostBytesOfValue);
  sqlite3_progress_handler(raw, kStepsBetweenChecks, &stop_requested, stop_.get());
  if (access == Access::read) run("PRAGMA query_only = ON");
}

void Connection::open(const std::string& name, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(raw);
  if (code != SQLITE_OK) fail(code);
}

void Connection::run(const char* sql) const {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

void Connection::empty_log() const {
  (void)sqlite3_busy_timeout(handle_.get(), 0);
  const int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  (void)sqlite3_busy_timeout(handle_.get(), static_cast<int>(patience_.count()));
  const int kind = code & 0xff;
  if (kind != SQLITE_OK && kind != SQLITE_BUSY && kind != SQLITE_LOCKED) fail(code);
}

std::set<std::string, std::less<>> Connection::columns(std::string_view table) const {
  Statement query(*this,
                  "SELECT name FROM pragma_table_info(?1) WHERE EXISTS (SELECT 1 FROM main.sqlite_master "
                  "WHERE type = 'table' AND name = ?1 COLLATE NOCASE AND rootpage > 0)");
  query.bind(1, table);
  std::set<std::string, std::less<>> names;
  while (query.step()) names.emplace(query.text(0));
  return names;
}

void Connection::fail(int code) const {
  const int system = handle_ ? sqlite3_system_errno(handle_.get()) : 0;
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      throw Interrupted();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw IoError(path_, fmt::format("another program (COLMAP?) still holds the lock of this database after "
                                       "{:.3g} s; run the same command again when it has finished",
                                       std::chrono::duration<double>(patience_).count()));
    case SQLITE_FULL:
      throw IoError(path_, "cannot write", ENOSPC);
    case SQLITE_IOERR:
      throw IoError(path_, fmt::format("reading or writing failed ({})", sqlite3_errmsg(handle_.get())), system);
    case SQLITE_READONLY:
      throw IoError(path_, "the database or its folder is read-only");
    case SQLITE_CANTOPEN:
      throw IoError(path_, "cannot open the database or the files SQLite keeps beside it (its folder must be writable)",
                    system);
    default:
      break;
  }
  throw FormatError(
      path_, -1,
      fmt::format("not a COLMAP database: {}", handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code)));
}

Statement::Statement(const Connection& connection, std::string_view sql) : connection_(&connection) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(connection.handle(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  handle_.reset(raw);
  if (code != SQLITE_OK) connection.fail(code);
}

Statement& Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(handle_.get(), index, value);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  const int code = sqlite3_bind_text(handle_.get(), index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

Statement& Statement::bind(int index, std::span<const std::byte> blob) {
  // A null pointer would store NULL; an empty blob is a value of its own.
  const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
  const int code = sqlite3_bind_blob64(handle_.get(), index, data, blob.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) connection_->fail(code);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  connection_->fail(code);
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::span<const std::byte> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(handle_.get(), column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string_view network_file_system(std::int64_t statfs_type) {
  // statfs(2), and the kernel's include/uapi/linux/magic.h.
  switch (static_cast<std::uint32_t>(statfs_type)) {
    case 0x6969:
      return "NFS";
    case 0x517B:
    case 0xFE534D42:
      return "SMB";
    case 0xFF534D42:
      return "CIFS";
    case 0x5346414F:
    case 0x6B414653:
      return "AFS";
    case 0x00C36400:
      return "Ceph";
    case 0x0BD00BD0:
      return "Lustre";
    case 0x47504653:
      return "GPFS";
    case 0x19830326:
      return "BeeGFS";
    default:
      return {};
  }
}

}  // namespace twinpatch::sfm

std::string twinpatch::sqlite_version() { return sqlite3_libversion(); }
