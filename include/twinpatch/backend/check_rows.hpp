// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "twinpatch/backend/backend.hpp"

// What backends and the engine say of rows that do not belong.

namespace twinpatch {

/// "left" or "right".
[[nodiscard]] const char* to_string(Side side);

/// Throws InvalidArgument: a scorer of `network` was given rows of another backend or network.
[[noreturn]] void refuse_rows(const std::string& network);

/// Throws InvalidArgument unless rows of side `found` are where those of side `expected` belong.
void check_side(const std::string& network, Side expected, Side found);

}  // namespace twinpatch
