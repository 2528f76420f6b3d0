// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/backend/check_rows.hpp"

#include <fmt/format.h>

namespace twinpatch {

const char* to_string(Side side) { return side == Side::left ? "left" : "right"; }

void refuse_rows(const std::string& network) {
  throw InvalidArgument(fmt::format("network {}: these rows were made by another backend or network", network));
}

void check_side(const std::string& network, Side expected, Side found) {
  if (found == expected) return;
  throw InvalidArgument(fmt::format("network {}: expected {}-side rows, got {}-side rows", network, to_string(expected),
                                    to_string(found)));
}

}  // namespace twinpatch
