// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "colmap_rows.hpp"

#include <algorithm>

namespace twinpatch::sfm {
namespace {

std::span<const std::byte> bytes_of(const std::vector<IndexPair>& matches) { return std::as_bytes(std::span(matches)); }

/// An unset matrix is NULL, never zeros: COLMAP up to 3.13 took zeros for "unset", newer ones do not.
void bind_matrix(Statement& statement, int index, const std::optional<std::array<double, 9>>& matrix) {
  if (matrix) statement.bind(index, std::as_bytes(std::span(*matrix)));
}

}  // namespace

RowWriter::RowWriter(const Connection& connection, bool replace, ColmapWriteCounts& counts)
    : connection_(connection),
      replace_(replace),
      counts_(counts),
      // COLMAP stores an empty row for an image in which it found nothing; that may be filled.
      insert_keypoints_(connection,
                        "INSERT INTO keypoints (image_id, rows, cols, data) VALUES (?1, ?2, 6, ?3) "
                        "ON CONFLICT (image_id) DO UPDATE SET rows = ?2, cols = 6, data = ?3 WHERE rows = 0"),
      insert_matches_(connection, "INSERT OR IGNORE INTO matches (pair_id, rows, cols, data) VALUES (?1, ?2, 2, ?3)"),
      insert_geometry_(connection,
                       "INSERT INTO two_view_geometries (pair_id, rows, cols, data, config, F, E, H) "
                       "VALUES (?1, ?2, 2, ?3, ?4, ?5, ?6, ?7)"),
      find_matches_(connection, "SELECT rows, cols, data FROM matches WHERE pair_id = ?"),
      has_geometry_(connection, "SELECT 1 FROM two_view_geometries WHERE pair_id = ?"),
      delete_matches_(connection, "DELETE FROM matches WHERE pair_id = ?"),
      delete_geometry_(connection, "DELETE FROM two_view_geometries WHERE pair_id = ?") {}

void RowWriter::write(const KeypointRow& row) {
  insert_keypoints_.bind(1, static_cast<std::int64_t>(row.image))
      .bind(2, row.count)
      .bind(3, std::as_bytes(std::span(row.values)))
      .run();
  counts_.keypoints += connection_.changes();
}

void RowWriter::write(const MatchRow& row) {
  if (replace_) {
    const bool was_there = remove(row.pair_id);
    if (was_there && row.matches.empty()) ++counts_.removed;
  }
  if (!row.matches.empty()) insert(row);
}

bool RowWriter::remove(std::int64_t pair_id) {
  delete_geometry_.bind(1, pair_id).run();
  const bool had_geometry = connection_.changes() > 0;
  delete_matches_.bind(1, pair_id).run();
  return had_geometry || connection_.changes() > 0;
}

void RowWriter::insert(const MatchRow& row) {
  has_geometry_.bind(1, row.pair_id);
  const bool verified = has_geometry_.step();
  has_geometry_.reset();
  if (verified) {
    // What was verified stays verified: other matches under it would contradict it.
    if (is_stored(row)) ++counts_.unchanged;
    return;
  }
  insert_matches_.bind(1, row.pair_id)
      .bind(2, static_cast<std::int64_t>(row.matches.size()))
      .bind(3, bytes_of(row.matches))
      .run();
  if (connection_.changes() == 1) {
    ++counts_.pairs;
    counts_.matches += static_cast<std::int64_t>(row.matches.size());
  } else {
    if (!is_stored(row)) return;
    ++counts_.unchanged;
  }
  write_geometry(row);
}

bool RowWriter::is_stored(const MatchRow& row) {
  find_matches_.bind(1, row.pair_id);
  const bool there = find_matches_.step();
  const std::int64_t rows = there ? find_matches_.integer(0) : 0;
  const auto expected = bytes_of(row.matches);
  const bool same = there && rows == static_cast<std::int64_t>(row.matches.size()) && find_matches_.integer(1) == 2 &&
                    std::ranges::equal(find_matches_.blob(2), expected);
  find_matches_.reset();
  if (!same) {
    ++counts_.kept;
    if (rows == 0) ++counts_.kept_empty;
  }
  return same;
}

void RowWriter::write_geometry(const MatchRow& row) {
  if (!row.geometry) return;
  const ColmapGeometry& geometry = *row.geometry;
  Statement& statement = insert_geometry_;
  statement.clear();
  statement.bind(1, row.pair_id)
      .bind(2, static_cast<std::int64_t>(geometry.inliers.size()))
      .bind(3, bytes_of(geometry.inliers))
      .bind(4, static_cast<std::int64_t>(geometry.config));
  bind_matrix(statement, 5, geometry.fundamental);
  bind_matrix(statement, 6, geometry.essential);
  bind_matrix(statement, 7, geometry.homography);
  statement.run();
  ++counts_.geometries;
}

}  // namespace twinpatch::sfm
