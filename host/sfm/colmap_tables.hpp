// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "colmap_sqlite.hpp"
#include "twinpatch/sfm/colmap_database.hpp"

namespace twinpatch::sfm {

/// Throws FormatError naming the table, or the first of the columns, that is missing.
void require_columns(const Connection& connection, std::string_view table, const std::vector<std::string_view>& needed);
/// Throws FormatError where a new row would need a value for a column that we know nothing of.
void check_insert(const Connection& connection, std::string_view table, const std::vector<std::string_view>& given);

[[nodiscard]] ColmapSchema find_schema(const Connection& connection);
[[nodiscard]] std::vector<ColmapImageRow> read_images(const Connection& connection);

}  // namespace twinpatch::sfm
