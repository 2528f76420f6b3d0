// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "colmap_sqlite.hpp"
#include "twinpatch/sfm/colmap_writer.hpp"

namespace twinpatch::sfm {

struct KeypointRow {
  ColmapImageId image{};
  std::int64_t count = 0;
  std::vector<float> values;  ///< [count, 6]
};

struct MatchRow {
  std::int64_t pair_id = 0;
  std::vector<IndexPair> matches;  ///< the image with the smaller id first
  std::optional<ColmapGeometry> geometry;
};

/// Puts rows into the tables, inside a transaction of the caller, under the rule for rows that are there already.
class RowWriter {
 public:
  /// `counts` is advanced by what is written; the caller forgets it where the transaction fails.
  RowWriter(const Connection& connection, bool replace, ColmapWriteCounts& counts);

  void write(const KeypointRow& row);
  void write(const MatchRow& row);

 private:
  void insert(const MatchRow& row);
  bool remove(std::int64_t pair_id);  ///< whether there was something
  /// True where the pair's stored matches are those of `row`; counts what is kept otherwise.
  bool is_stored(const MatchRow& row);
  void write_geometry(const MatchRow& row);

  const Connection& connection_;
  bool replace_;
  ColmapWriteCounts& counts_;
  Statement insert_keypoints_;
  Statement insert_matches_;
  Statement insert_geometry_;
  Statement find_matches_;
  Statement has_geometry_;
  Statement delete_matches_;
  Statement delete_geometry_;
};

}  // namespace twinpatch::sfm
