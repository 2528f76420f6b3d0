// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace twinpatch {

/// A descriptor to write to where `path` names a stream (see twinpatch/core/stream.hpp), -1 where it names a file or
/// nothing yet. The caller closes it. An open descriptor of this process is duplicated, not opened again, so it keeps
/// its place and its O_APPEND, and needs no permission that the process did not have when it was given it. Throws
/// IoError for a stream that cannot be written to.
[[nodiscard]] int open_stream(const std::filesystem::path& path);

}  // namespace twinpatch
