// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "colmap_tables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "twinpatch/core/error.hpp"

namespace twinpatch::sfm {

void require_columns(const Connection& connection, std::string_view table,
                     const std::vector<std::string_view>& needed) {
  const auto there = connection.columns(table);
  if (there.empty()) throw FormatError(connection.path(), -1, fmt::format("not a COLMAP database: no table {}", table));
  for (const std::string_view column : needed) {
    if (there.contains(column)) continue;
    throw FormatError(connection.path(), -1,
                      fmt::format("not a COLMAP database: table {} has no column {}", table, column));
  }
}

void check_insert(const Connection& connection, std::string_view table, const std::vector<std::string_view>& given) {
  require_columns(connection, table, given);
  Statement query(connection, "SELECT name FROM pragma_table_info(?) WHERE \"notnull\" AND dflt_value IS NULL");
  query.bind(1, table);
  while (query.step()) {
    if (std::ranges::find(given, query.text(0)) != given.end()) continue;
    throw FormatError(connection.path(), -1,
                      fmt::format("table {} needs a value for the column {}, which this version does not know: the "
                                  "database is of a newer COLMAP",
                                  table, query.text(0)));
  }
}

ColmapSchema find_schema(const Connection& connection) {
  if (connection.columns("two_view_geometries").contains("camera1")) return ColmapSchema::v4_2;
  if (connection.columns("descriptors").contains("type")) return ColmapSchema::v4_0;
  if (!connection.columns("rigs").empty()) return ColmapSchema::v3_12;
  const auto priors = connection.columns("pose_priors");
  if (priors.contains("position_covariance")) return ColmapSchema::v3_11;
  return priors.empty() ? ColmapSchema::v3_8 : ColmapSchema::v3_10;
}

std::vector<ColmapImageRow> read_images(const Connection& connection) {
  Statement query(connection,
                  "SELECT images.image_id, images.name, images.camera_id, keypoints.rows, keypoints.cols FROM images "
                  "LEFT JOIN keypoints ON keypoints.image_id = images.image_id ORDER BY images.image_id");
  std::vector<ColmapImageRow> images;
  while (query.step()) {
    const std::int64_t id = query.integer(0);
    if (query.is_null(1)) throw FormatError(connection.path(), -1, fmt::format("image {} has no name", id));
    if (!images.empty() && id <= static_cast<std::int64_t>(images.back().id)) {
      throw FormatError(connection.path(), -1, fmt::format("duplicate image id {}", id));
    }
    if (id < 1 || id >= 2147483647) {
      throw FormatError(connection.path(), -1, fmt::format("image id {}, expected 1 to 2147483646", id));
    }
    ColmapImageRow image{.id = static_cast<ColmapImageId>(id),
                         .name = std::string(query.text(1)),
                         .camera = static_cast<std::uint32_t>(query.integer(2))};
    if (!query.is_null(3)) {
      image.keypoints = query.integer(3);
      image.columns = static_cast<int>(query.integer(4));
      if (image.keypoints < 0 || image.keypoints > INT32_MAX) {
        throw FormatError(connection.path(), -1, fmt::format("keypoints of {}: {} rows", image.name, image.keypoints));
      }
    }
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace twinpatch::sfm
