// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace twinpatch {

/// Bytes that this process can still take of the host's memory: what the system has available, or less where a limit on
/// the address space (ulimit -v) says so. The largest number where neither is known. `root` is where /proc lies.
[[nodiscard]] std::int64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace twinpatch
