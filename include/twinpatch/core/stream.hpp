// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace twinpatch {

/// Whether a path to write to names a stream: a device, a pipe, or an open descriptor of this process (/dev/stdout,
/// /dev/fd/3, the shell's `>(…)`), whatever that descriptor has open. Streams are written to from where they stand and
/// are never replaced. Throws IoError for a stream that cannot be written to.
[[nodiscard]] bool is_stream(const std::filesystem::path& path);

}  // namespace twinpatch
