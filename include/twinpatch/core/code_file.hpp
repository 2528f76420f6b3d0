// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace twinpatch {

/// The file that holds this library's code: the program, or the shared library that it was linked into (a module of
/// Python, for example). What belongs to an installation lies beside it. Empty if the system does not say.
[[nodiscard]] std::filesystem::path code_file();

/// "/venv" for "/venv/lib/python3.12/site-packages/twinpatch/bin/twinpatch": where the Python installation begins that
/// a file was installed into as part of a package. Empty for other files.
[[nodiscard]] std::filesystem::path python_prefix(const std::filesystem::path& file);

}  // namespace twinpatch
