// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/core/error.hpp"
#include "twinpatch/sfm/colmap_database.hpp"

namespace twinpatch {

std::string_view colmap_schema_name(ColmapSchema schema) {
  switch (schema) {
    case ColmapSchema::v3_8:
      return "3.8 or 3.9";
    case ColmapSchema::v3_10:
      return "3.10";
    case ColmapSchema::v3_11:
      return "3.11";
    case ColmapSchema::v3_12:
      return "3.12 or 3.13";
    case ColmapSchema::v4_0:
      return "4.0 or 4.1";
    case ColmapSchema::v4_2:
      return "4.2";
  }
  throw InvalidArgument("unknown schema");
}

}  // namespace twinpatch
