// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace twinpatch {

/// A file without a name, where TemporaryFile says; the caller closes it. Throws IoError naming the folder.
[[nodiscard]] int open_nameless_file();

}  // namespace twinpatch
