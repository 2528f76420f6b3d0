// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace twinpatch {

/// "1.5G", "800M", "64KiB", "4096" → bytes (suffixes are powers of 1024). Throws InvalidArgument.
[[nodiscard]] std::int64_t parse_bytes(std::string_view text);
/// 1610612736 → "1.50 GiB".
[[nodiscard]] std::string format_bytes(std::int64_t bytes);
/// 12345678 → "12.3 M".
[[nodiscard]] std::string format_count(double value);
/// 3725.0 → "1 h 02 min", 75 → "1 min 15 s", 0.25 → "0.25 s".
[[nodiscard]] std::string format_seconds(double seconds);

}  // namespace twinpatch
