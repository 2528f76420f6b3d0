// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/sfm/colmap_writer.hpp"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "colmap_blobs.hpp"
#include "colmap_rows.hpp"
#include "colmap_tables.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch {

using sfm::Connection;
using sfm::Statement;
using sfm::Transaction;

namespace {

std::string journal_mode(const Connection& connection) {
  Statement query(connection, "PRAGMA journal_mode");
  return query.step() ? std::string(query.text(0)) : std::string();
}

/// SQLite's write-ahead log needs memory that all its users share, which no network gives: databases were corrupted so.
void refuse_log_on_network(const Connection& connection) {
  struct statfs file_system {};
  if (::statfs(connection.path().c_str(), &file_system) != 0) return;
  const std::string_view kind = sfm::network_file_system(file_system.f_type);
  if (kind.empty() || journal_mode(connection) != "wal") return;
  throw IoError(connection.path(),
                fmt::format("the database is in WAL mode on a network file system ({}), where SQLite corrupts it; copy "
                            "it to a local disk, write there, and copy it back",
                            kind));
}

/// Writes a page and takes it back: finds the lock of another program, a full disk, a file or a folder that is
/// read-only, before hours of work rather than after them.
void try_writing(const Connection& connection) {
  if (sqlite3_db_readonly(connection.handle(), "main") != 0) connection.fail(SQLITE_READONLY);
  Statement query(connection, "PRAGMA user_version");
  const std::int64_t version = query.step() ? query.integer(0) : 0;
  query.reset();
  const Transaction rolled_back(connection);
  connection.run(fmt::format("PRAGMA user_version = {}", version).c_str());
}

}  // namespace

struct ColmapWriter::State {
  State(const std::filesystem::path& file, const ColmapWriteOptions& wanted)
      : options(wanted), connection(file, sfm::Access::write, wanted.patience, wanted.stop) {
    sfm::require_columns(connection, "images", {"image_id", "name", "camera_id"});
    sfm::check_insert(connection, "keypoints", {"image_id", "rows", "cols", "data"});
    sfm::check_insert(connection, "matches", {"pair_id", "rows", "cols", "data"});
    sfm::check_insert(connection, "two_view_geometries", {"pair_id", "rows", "cols", "data", "config", "F", "E", "H"});
    refuse_log_on_network(connection);
    // A commit in WAL mode need not wait for the disk: a power cut may lose the last transactions, never corrupt.
    if (journal_mode(connection) == "wal") connection.run("PRAGMA synchronous = NORMAL");
    connection.run("PRAGMA cache_size = -65536");  // KiB: a whole transaction, so that it is written once
    try_writing(connection);
    for (const auto& image : sfm::read_images(connection)) keypoints[image.id] = image.keypoints;
    geometry_query.emplace(connection, "SELECT 1 FROM two_view_geometries WHERE pair_id = ?");
  }

  [[nodiscard]] std::int64_t keypoints_of(ColmapImageId image) const {
    const auto found = keypoints.find(image);
    if (found != keypoints.end()) return found->second;
    throw InvalidArgument(fmt::format("{} has no image {}", connection.path(), static_cast<std::uint32_t>(image)));
  }
  void gathered(std::size_t size) {
    bytes += static_cast<std::int64_t>(size);
    ++rows;
  }
  [[nodiscard]] bool full() const {
    return rows >= options.rows_per_transaction || bytes >= options.bytes_per_transaction;
  }
  void write();

  ColmapWriteOptions options;
  Connection connection;
  std::optional<Statement> geometry_query;                    ///< of a pair
  std::unordered_map<ColmapImageId, std::int64_t> keypoints;  ///< rows of each image, −1: none were ever stored
  std::vector<sfm::KeypointRow> keypoint_rows;
  std::vector<sfm::MatchRow> match_rows;
  int rows = 0;
  std::int64_t bytes = 0;
  ColmapWriteCounts counts;
};

void ColmapWriter::State::write() {
  if (rows == 0) return;
  std::ranges::stable_sort(match_rows, {}, &sfm::MatchRow::pair_id);
  std::ranges::sort(keypoint_rows, {}, &sfm::KeypointRow::image);
  ColmapWriteCounts after = counts;
  {
    sfm::RowWriter writer(connection, options.replace, after);
    Transaction transaction(connection);
    for (const auto& row : keypoint_rows) writer.write(row);
    for (const auto& row : match_rows) writer.write(row);
    transaction.commit();
  }
  ++after.transactions;
  counts = after;
  keypoint_rows.clear();
  match_rows.clear();
  rows = 0;
  bytes = 0;
}

ColmapWriter::ColmapWriter(const std::filesystem::path& path, const ColmapWriteOptions& options) {
  if (options.rows_per_transaction < 1 || options.bytes_per_transaction < 1 || options.patience.count() < 0) {
    throw InvalidArgument("a transaction must hold at least one row, and the lock wait cannot be negative");
  }
  state_ = std::make_unique<State>(path, options);
}
ColmapWriter::~ColmapWriter() = default;
ColmapWriter::ColmapWriter(ColmapWriter&&) noexcept = default;
ColmapWriter& ColmapWriter::operator=(ColmapWriter&&) noexcept = default;

void ColmapWriter::add_keypoints(ColmapImageId image, std::span<const Keypoint> keypoints) {
  State& state = *state_;
  if (state.keypoints_of(image) > 0) {
    throw InvalidArgument(fmt::format("image {} of {} already has {} keypoints", static_cast<std::uint32_t>(image),
                                      state.connection.path(), state.keypoints_of(image)));
  }
  state.keypoint_rows.push_back({image, static_cast<std::int64_t>(keypoints.size()), sfm::encode_keypoints(keypoints)});
  state.keypoints[image] = static_cast<std::int64_t>(keypoints.size());
  state.gathered(keypoints.size() * 6 * sizeof(float));
  if (state.full()) state.write();
}

void ColmapWriter::add_matches(ColmapImageId a, ColmapImageId b, std::span<const IndexPair> matches,
                               std::optional<ColmapGeometry> geometry) {
  State& state = *state_;
  const std::int64_t pair_id = colmap_pair_id(a, b);
  const ColmapPair pair = colmap_pair(pair_id);
  std::vector<IndexPair> sorted(matches.begin(), matches.end());
  if (b < a) {
    for (IndexPair& match : sorted) std::swap(match.left, match.right);
  }
  const std::string where = fmt::format("matches of images {} and {}", static_cast<std::uint32_t>(pair.first),
                                        static_cast<std::uint32_t>(pair.second));
  const std::int64_t first = std::max<std::int64_t>(state.keypoints_of(pair.first), 0);
  const std::int64_t second = std::max<std::int64_t>(state.keypoints_of(pair.second), 0);
  check_pairs(sorted, first, second, where);
  if (geometry) check_pairs(geometry->inliers, first, second, where);
  state.gathered(sorted.size() * sizeof(IndexPair) + (geometry ? geometry->inliers.size() * sizeof(IndexPair) : 0));
  state.match_rows.push_back({pair_id, std::move(sorted), std::move(geometry)});
  if (state.full()) state.write();
}

bool ColmapWriter::has_geometry(ColmapImageId a, ColmapImageId b) const {
  Statement& query = *state_->geometry_query;
  query.bind(1, colmap_pair_id(a, b));
  const bool found = query.step();
  query.reset();
  return found;
}

void ColmapWriter::flush() {
  state_->write();
  state_->connection.empty_log();
}

const ColmapWriteCounts& ColmapWriter::counts() const noexcept { return state_->counts; }

}  // namespace twinpatch
